#include "base/json_string.h"

#include <stdbool.h>
#include <string.h>

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

static void add_escaped(struct buffer *buffer, unsigned char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letter[] = "\"\\bfnrt";
    const char *found = c != 0 ? strchr(plain, c) : NULL;
    if (found != NULL) {
        buffer_add_char(buffer, '\\');
        buffer_add_char(buffer, letter[found - plain]);
        return;
    }
    buffer_add_text(buffer, c < 0x10 ? "\\u000" : "\\u001");
    buffer_add_char(buffer, "0123456789abcdef"[c & 0x0F]);
}

void json_add_string(struct buffer *buffer, const char *text, size_t size)
{
    buffer_add_char(buffer, '"');
    size_t start = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!needs_escape(c))
            continue;
        buffer_add(buffer, text + start, i - start);
        add_escaped(buffer, c);
        start = i + 1;
    }
    if (start < size)
        buffer_add(buffer, text + start, size - start);
    buffer_add_char(buffer, '"');
}
