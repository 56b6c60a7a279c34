/*
 * What every file may use: sizes, slices of text, attributes. It includes no other header of ours.
 */
#ifndef LIB_BASE_H
#define LIB_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF(text, first) __attribute__((format(printf, text, first)))
#define UNUSED __attribute__((unused))

/* Bytes that somebody else owns; not terminated, may hold NUL. at is NULL where there is no text at
 * all. */
struct text {
	const char *at;
	size_t len;
};

#endif
