#include "replay.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void folder_enter(const char *root)
{
    if (chdir(root) != 0 || mkdir("life", 0700) != 0 || chdir("life") != 0) {
        puts("Bail out! no folder for a database");
        exit(1);
    }
}

void folder_leave(const char *root)
{
    DIR *folder = opendir(".");
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            unlink(entry->d_name);
    }
    if (folder != NULL)
        closedir(folder);
    if (chdir(root) == 0)
        rmdir("life");
}

/* True where an answer is wrong again; the failure says which, the trace how. */
static bool fails(const struct script *script, const struct life *life, const char *root,
                  struct failure *failure, struct text *trace)
{
    struct world world = {.trace = trace};
    struct counters counters = {0};
    bool failed = false;
    text_clear(&failure->text);
    folder_enter(root);
    world_open(&world, life, &counters, true);
    for (int i = 0; !failed && i < script->count; i++) {
        failed = !check_step(&world, &script->steps[i], failure);
        failure->step = i;
    }
    world_close(&world);
    folder_leave(root);
    return failed;
}

/* Takes out runs of `size` steps where it fails without them. True where any could go. */
static bool drop_runs(struct script *script, const struct life *life, const char *root, int size,
                      time_t deadline)
{
    struct failure failure = {0};
    struct script shorter = {0};
    bool dropped = false;
    /* From the end: what comes late leans on what comes early. */
    for (int start = script->count - 1 - size; start > -size; start -= size) {
        if (time(NULL) > deadline)
            break;
        int first = start < 0 ? 0 : start;
        script_copy(&shorter, script, first, start < 0 ? start + size : size);
        if (!fails(&shorter, life, root, &failure, NULL))
            continue;
        script_copy(script, &shorter, failure.step + 1, shorter.count);
        if (start > script->count - 1)
            start = script->count - 1;
        dropped = true;
    }
    script_free(&shorter);
    text_free(&failure.text);
    return dropped;
}

/* Reads cost lines in the printed script too: leaves out the checks that matter not. */
static void drop_checks(struct script *script, const struct life *life, const char *root,
                        time_t deadline)
{
    struct failure failure = {0};
    for (int i = script->count - 2; i >= 0 && time(NULL) <= deadline; i--) {
        if (!script->steps[i].check)
            continue;
        script->steps[i].check = false;
        if (!fails(script, life, root, &failure, NULL))
            script->steps[i].check = true;
    }
    text_free(&failure.text);
}

void minimize(struct script *script, const struct life *life, const char *root, int seconds,
              struct text *report)
{
    struct failure failure = {0};
    struct text trace = {0};
    time_t deadline = time(NULL) + seconds;
    if (!fails(script, life, root, &failure, NULL)) {
        text_add(report, "#   It does not fail again in a fresh folder with an empty store.\n");
        text_free(&failure.text);
        return;
    }
    for (int size = script->count / 2; size > 0; size /= 2)
        drop_runs(script, life, root, size, deadline);
    drop_checks(script, life, root, deadline);
    while (time(NULL) <= deadline && drop_runs(script, life, root, 1, deadline))
        ;
    fails(script, life, root, &failure, &trace);
    text_format(report, "#   The shortest script found (%d steps):\n%s", script->count,
                trace.data ? trace.data : "");
    text_format(report, "#   after which\n%s", failure.text.data ? failure.text.data : "");
    text_free(&failure.text);
    text_free(&trace);
}
