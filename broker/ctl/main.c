/* lull: the command line of a lull installation. It asks the broker through its stats socket, hands messages to it, and
 * measures it. Ends with 0 when it is done, 1 when it failed, 2 when the words were wrong. */
#include "broker/ctl/command.h"
#include "broker/ctl/screen.h"
#include "common/standard.h"

#include <string.h>

static const struct command *const commands[] = {
        &command_check, &command_channel,  &command_stats, &command_why,    &command_threads,
        &command_hold,  &command_resume,   &command_flush, &command_cancel, &command_holds,
        &command_dead,  &command_settings, &command_send,  &command_bench,  NULL,
};

static const char about[] = "lull answers a conversation once, when it falls quiet. This is its remote control.";

static bool is_version(const char *word) { return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0; }

int main(int argc, char **argv) {
        standard_open();
        if (argc > 1 && is_version(argv[1])) {
                CLEANUP_BUFFER struct buffer text = {0};

                buffer_push_text(&text, "lull " LULL_VERSION "\n");
                screen_print(&text);
                return COMMAND_DONE;
        }
        return command_run("lull", about, commands, argc, argv);
}
