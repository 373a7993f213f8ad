# Turns sections of a Markdown file into the man(7) language, so that the reference stands in one
# place, docs/reference.md, and is what `man querycache` shows too.
#
#     awk -v sections='Reference,Limits' -f docs/man/markdown.awk docs/reference.md
#
# It knows what that page is written with: headings, paragraphs, lists of one level, tables, code
# (indented or fenced), `code` in a text, and links, of which the text stays. A row of a table
# becomes an item: its first cell is the tag, the others the text, each with the name of its column
# where they are several. A link in parentheses of its own leads elsewhere, and goes.

# Returns what shows the text as it is. In code, what is seen must be what can be typed.
function escape(text, in_code) {
    gsub(/\\/, "\\e", text)
    gsub(/…/, "...", text)
    gsub(/\^/, "\\(ha", text)
    gsub(/~/, "\\(ti", text)
    if (in_code) {
        gsub(/-/, "\\-", text)
        gsub(/'/, "\\(aq", text)
        gsub(/`/, "\\(ga", text)
    }
    return text
}

# `code` becomes bold, [text](link) the text.
function inline(text,    parts, count, i, result) {
    gsub(/ \(\[[^]]*\]\([^)]*\)\)/, "", text)
    count = split(text, parts, "`")
    for (i = 1; i <= count; i++) {
        if (i % 2 == 0) {
            result = result "\\fB" escape(parts[i], 1) "\\fR"
        } else {
            gsub(/\*\*/, "", parts[i])
            result = result escape(parts[i], 0)
        }
    }
    while (match(result, /\[[^]]*\]\([^)]*\)/)) {
        i = substr(result, RSTART + 1, RLENGTH - 1)
        sub(/\].*/, "", i)
        result = substr(result, 1, RSTART - 1) i substr(result, RSTART + RLENGTH)
    }
    return result
}

# Prints a line of output that is text, also where it begins like a request.
function text_line(line) {
    print (line ~ /^(\\f.)?[.']/ ? "\\&" : "") line
}

# Prints text in lines of up to `width` characters, 76 by default.
function fill(text, width,    words, count, i, line) {
    width = width ? width : 76
    count = split(text, words, " ")
    for (i = 1; i <= count; i++) {
        if (line != "" && length(line) + 1 + length(words[i]) > width) {
            text_line(line)
            line = ""
        }
        line = (line == "" ? "" : line " ") words[i]
    }
    if (line != "")
        text_line(line)
}

# Prints the paragraph or the item collected so far.
function flush() {
    if (paragraph != "") {
        if (after == "item")
            print ".IP \\(bu 2"
        else if (after == "heading")
            ; # .SH and .SS begin a paragraph
        else
            print ".PP"
        fill(inline(paragraph))
        after = "text"
    }
    paragraph = ""
}

function row(line,    cells, count, i, long) {
    gsub(/^ *\| *| *\| *$/, "", line)
    gsub(/\\\|/, "\001", line)
    count = split(line, cells, / *\| */)
    for (i = 1; i <= count; i++)
        gsub(/\001/, "|", cells[i])
    if (!in_table) {
        in_table = 1
        for (i = 1; i <= count; i++)
            headers[i] = cells[i]
        return
    }
    if (cells[1] ~ /^:?-+:?$/)
        return
    # A tag is one line, and a long line is bad style.
    long = length(cells[1]) > 60
    print long ? ".PP" : ".TP"
    fill(inline(cells[1]), long ? 0 : 1000)
    if (long)
        print ".RS 7"
    for (i = 2; i <= count; i++) {
        if (i > 2)
            print ".br"
        fill((count > 2 ? "\\fI" inline(headers[i]) ":\\fR " : "") inline(cells[i]))
    }
    if (long)
        print ".RE"
    after = "text"
}

function code(line) {
    if (!in_code) {
        flush()
        print after == "heading" ? ".RS 4" : ".PP\n.RS 4"
        print ".EX"
        in_code = 1
    }
    line = escape(line, 1)
    text_line(line)
}

function end_code() {
    if (in_code)
        print ".EE\n.RE"
    if (in_code)
        after = "text"
    in_code = fenced = 0
}

BEGIN {
    count = split(sections, names, ",")
    for (i = 1; i <= count; i++)
        wanted[names[i]] = 1
}

/^```/ && inside {
    if (fenced)
        end_code()
    else
        fenced = 1
    next
}
fenced {
    code($0)
    next
}
/^## / {
    flush()
    end_code()
    inside = substr($0, 4) in wanted
    if (inside)
        print ".SH " toupper(substr($0, 4))
    after = "heading"
    next
}
!inside {
    next
}
/^### / {
    flush()
    end_code()
    print ".SS " inline(substr($0, 5))
    after = "heading"
    next
}
/^\|/ {
    flush()
    end_code()
    row($0)
    next
}
{
    in_table = 0
}
/^    / && paragraph == "" {
    code(substr($0, 5))
    next
}
in_code && /^$/ {
    end_code()
    next
}
{
    end_code()
}
/^$/ {
    flush()
    next
}
/^- / {
    flush()
    after = "item"
    paragraph = substr($0, 3)
    next
}
{
    sub(/^ +/, "")
    paragraph = paragraph (paragraph == "" ? "" : " ") $0
}
END {
    flush()
    end_code()
}
