/* Hands every file of a corpus to a target once, in a build without libFuzzer: an ordinary test.
 *
 * usage: replay FOLDER */
#include "tests/fuzz/fuzz.h"

#include "common/cleanup.h"
#include "common/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_file(const char *path, struct buffer *ret) {
        FILE *file = fopen(path, "r");
        size_t n;

        if (!file)
                return -1;
        while ((n = fread(buffer_reserve(ret, 4096), 1, 4096, file)) > 0)
                ret->len += n;
        return fclose(file);
}

/* In memory of its own, of its size exactly: the sanitizer then sees a read past its end. */
static int replay(const char *folder, const char *name) {
        CLEANUP_FREE char *path = memory_print("%s/%s", folder, name);
        CLEANUP_BUFFER struct buffer text = {0};
        CLEANUP_FREE uint8_t *data = NULL;

        if (read_file(path, &text) != 0)
                return perror(path), -1;
        data = malloc(text.len);
        if (text.len > 0)
                memcpy(data, text.data, text.len);
        /* Written before it is run, so that it is the last line when it fails. */
        puts(path);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, text.len);
        return 0;
}

int main(int argc, char **argv) {
        DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
        struct dirent *entry;
        int n = 0, r = 0;

        if (!folder) {
                fprintf(stderr, "usage: replay FOLDER\n");
                return 2;
        }
        while ((entry = readdir(folder))) {
                if (entry->d_name[0] == '.')
                        continue;
                r |= replay(argv[1], entry->d_name);
                n++;
        }
        closedir(folder);
        /* An empty corpus would pass, and test nothing. */
        return r == 0 && n > 0 ? 0 : 1;
}
