#include "script.h"

#include <stdlib.h>

void script_add(struct script *script, const struct step *step)
{
    if (script->count == script->capacity) {
        script->capacity = script->capacity ? 2 * script->capacity : 64;
        script->steps =
            must_resize(script->steps, (size_t)script->capacity * sizeof(script->steps[0]));
    }
    struct step *added = &script->steps[script->count++];
    *added = *step;
    added->text = must_copy(step->text ? step->text : "");
}

void script_copy(struct script *to, const struct script *from, int start, int count)
{
    script_free(to);
    for (int i = 0; i < from->count; i++) {
        if (i < start || i >= start + count)
            script_add(to, &from->steps[i]);
    }
}

void script_free(struct script *script)
{
    for (int i = 0; i < script->count; i++)
        free(script->steps[i].text);
    free(script->steps);
    *script = (struct script){0};
}
