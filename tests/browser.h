/*
 * A headless Chromium of the test's own, driven over WebDriver by chromedriver: one window, one
 * test program. What goes wrong in the browser fails the test. Texts live until the program ends.
 */
#ifndef TESTS_BROWSER_H
#define TESTS_BROWSER_H

#include <stdbool.h>

/* Whether both programs are installed. */
bool browser_is_there(void);

/* Downloads and the driver's log go to the folder. browser_stop() may be called without it. */
void browser_start(const char *folder);
void browser_stop(void);

void browser_go(const char *url);
/* The body of a function of JavaScript: what it returns, as text; "null" for nothing. */
const char *browser_run(const char *script);
/* Waits until the expression is true, at most 30 s. */
void browser_await(const char *expression);
/* Into what has the focus. */
void browser_type(const char *text);
/* Presses a key so many times: its number in WebDriver, 0xE004 for Tab, 0xE006 for Enter. */
void browser_press(int key, int times);
#define BROWSER_TAB 0xE004
#define BROWSER_ENTER 0xE006

/* The window, and what the page is told of the reader's taste: "light" or "dark". */
void browser_show_as(int width, int height, const char *scheme);
/* The whole page, as PNG. */
void browser_shoot(const char *path);

/* What the browser has complained about since the last call, as JSON: "[]" where of nothing. */
const char *browser_complaints(void);

#endif
