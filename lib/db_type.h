/*
 * PostgreSQL's types in their binary form, as far as lib/db*.c speak it.
 */
#ifndef LIB_DB_TYPE_H
#define LIB_DB_TYPE_H

#include "lib/base.h"

/* OIDs of pg_type, fixed since they exist. */
enum db_type {
	DB_TYPE_BOOL = 16,
	DB_TYPE_BYTES = 17,
	DB_TYPE_CHAR = 18,
	DB_TYPE_NAME = 19,
	DB_TYPE_INT8 = 20,
	DB_TYPE_INT2 = 21,
	DB_TYPE_INT4 = 23,
	DB_TYPE_TEXT = 25,
	DB_TYPE_OID = 26,
	DB_TYPE_JSON = 114,
	DB_TYPE_REAL = 700,
	DB_TYPE_BOOLS = 1000,
	DB_TYPE_NAMES = 1003,
	DB_TYPE_TEXTS = 1009,
	DB_TYPE_VARCHARS = 1015,
	DB_TYPE_INTS = 1016,
	DB_TYPE_REALS = 1021,
	DB_TYPE_BPCHAR = 1042,
	DB_TYPE_VARCHAR = 1043,
	DB_TYPE_DATE = 1082,
	DB_TYPE_DATES = 1182,
	DB_TYPE_TIME = 1184,
	DB_TYPE_TIMES = 1185,
	DB_TYPE_ID = 2950,
	DB_TYPE_IDS = 2951
};

/* PostgreSQL counts from 2000-01-01. */
#define DB_EPOCH_USEC INT64_C(946684800000000)
#define DB_EPOCH_DAYS 10957

#endif
