#include "app/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static const struct option long_options[] = {
	{ "conf", required_argument, NULL, 'c' },
	{ "listen", required_argument, NULL, 'l' },
	{ "threads", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static const char usage[] =
    "usage: tallyd [-c FILE] [--listen unix:PATH] [--threads N]\n"
    "       tallyd --help | --version\n"
    "\n"
    "Serves Tally's HTTP interface over FastCGI. Without --listen and the setting of that\n"
    "name, it serves the socket that it was given as file descriptor 0. See tallyd(8).\n";

static void
read_threads(const char *value, struct options *options)
{
	char *end;
	long threads = strtol(value, &end, 10);

	if (value[0] == '\0' || *end != '\0' || threads < 1 || threads > OPTIONS_THREADS_MAX) {
		fprintf(
		    stderr, "tallyd: --threads takes a number from 1 to %d\n", OPTIONS_THREADS_MAX);
		exit(EX_USAGE);
	}
	options->threads = threads;
}

struct options
options_read(int argc, char **argv)
{
	struct options options = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "c:", long_options, NULL)) != -1) {
		if (option == 'c') {
			options.conf_file = optarg;
		} else if (option == 'l') {
			options.listen = optarg;
		} else if (option == 't') {
			read_threads(optarg, &options);
		} else if (option == 'h') {
			fputs(usage, stdout);
			exit(EX_OK);
		} else if (option == 'V') {
			puts("tallyd " PACKAGE_VERSION);
			exit(EX_OK);
		} else {
			fputs(usage, stderr);
			exit(EX_USAGE);
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		exit(EX_USAGE);
	}
	return options;
}
