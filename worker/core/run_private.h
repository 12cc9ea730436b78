/* What the files of run.h share. */
#pragma once

#include "worker/core/run.h"

void run_push(struct run_fx *fx, enum run_effect effect);
bool run_is_working(const struct run *run);
bool run_has_lock(const struct run *run);

/* -- run_report.c: how a run ends ---------------------------------------------------------------------------------- */

void run_report(struct run *run, struct mono now, const struct outcome *outcome, struct run_fx *fx);
void run_report_done(struct run *run, struct mono now, struct run_fx *fx);
void run_report_lock_lost(struct run *run, struct mono now, struct run_fx *fx);
void run_report_handed_back(struct run *run, struct mono now, const char *code, const char *why, struct run_fx *fx);
/* The run took longer than run_timeout. */
void run_report_timeout(struct run *run, struct mono now, struct run_fx *fx);
/* The channel did not answer within LIMIT_POST_MS. */
/* The reply was posted, then posted once more, and still nobody can know: it counts as posted. */
void run_give_repeat_up(struct run *run, struct mono now, struct run_fx *fx);
void run_report_channel_timeout(struct run *run, struct mono now, struct run_fx *fx);
/* The broker has heard the result. */
void run_on_settled(struct run *run, bool is_accepted, struct run_fx *fx);
/* Without a result. */
void run_end(struct run *run, struct run_fx *fx);

/* -- run_post.c: from a stored answer to its replies --------------------------------------------------------------- */

/* Goes on with reply number run->posted, whether it is in doubt or not; reports when there is none. */
void run_post_next(struct run *run, struct mono now, struct run_fx *fx);
void run_on_read(struct run *run, struct mono now, const struct run_event *event, struct run_fx *fx);
void run_on_posted(struct run *run, struct mono now, struct run_fx *fx);
void run_on_post_failed(struct run *run, struct mono now, const struct outcome *outcome, struct run_fx *fx);
