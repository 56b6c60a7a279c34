/* Decimals: the first byte chooses the scale, the rest is the text. */
#include "lib/money.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* What is written is read as the same. */
static void
check_format(int64_t value, int scale)
{
	char out[MONEY_TEXT_SIZE];
	int64_t again;

	money_format_scaled(value, scale, out);
	must(money_parse_scaled((struct text){ out, strlen(out) }, scale, &again) == MONEY_OK);
	must(again == value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t exact = 0, rounded = 0;
	enum money_parse is_exact, is_rounded;
	struct text text;
	int scale;

	if (size == 0)
		return 0;
	scale = data[0] % 19;
	text = (struct text){ (const char *)data + 1, size - 1 };
	is_exact = money_parse_scaled(text, scale, &exact);
	is_rounded = money_parse_rounded(text, scale, &rounded);
	must(is_rounded != MONEY_TOO_PRECISE);
	must((is_exact == MONEY_NOT_A_NUMBER) == (is_rounded == MONEY_NOT_A_NUMBER));
	if (is_exact == MONEY_OK) {
		must(is_rounded == MONEY_OK && rounded == exact);
		check_format(exact, scale);
	}
	if (is_rounded == MONEY_OK)
		check_format(rounded, scale);
	return 0;
}
