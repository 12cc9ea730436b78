/* What the command line of `lull bench` asks for, and its doing. */
#pragma once

#include "broker/ctl/bench_self.h"
#include "broker/ctl/command.h"

/* Numbers of messages in flight that one command may try in turn; times that it may do so. */
enum { BENCH_FLIGHTS_MAX = 32, BENCH_REPEAT_MAX = 100 };

/* What was said on the command line. */
struct bench_request {
        struct options options;
        struct bench_plan plan;
        struct self_settings self;
        bool is_self, is_csv, is_among_others;
        const char *in_flight; /* "1,16,256", or NULL */
        uint64_t flights[BENCH_FLIGHTS_MAX];
        size_t n_flights;
        uint64_t repeat;
};

/* Runs them, in turns: what the machine does beside this falls on all numbers in flight alike. Prints what it found. */
MUST_USE enum command_exit bench_request_run(const struct bench_request *request);
