#include "scheduler.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "world.h"

#ifdef __SANITIZE_ADDRESS__
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_BYTES (64 << 10)
#define MAX_DEPTH 4000
#define MAX_CHOICES 16
#define LOCKS 64

/* ---- actors ---- */

struct position {
    const char *label;
    bool (*holds)(void *); /* what it waits for; NULL: nothing */
    void *context;
    int choices; /* above 1: it asks for one */
    int choice;
    bool done;
    unsigned char *stack_low; /* in use from here */
};

static struct position positions[ACTORS];
static ucontext_t contexts[ACTORS];
static _Alignas(64) unsigned char stacks[ACTORS][STACK_BYTES];
static ucontext_t main_context;
static int current = -1;
static const struct scenario *scenario;
static bool copied; /* states are copied and hashed: stacks are kept clean */

int running_actor(void)
{
    return current;
}

static unsigned char *stack_top(int actor)
{
    return stacks[actor] + STACK_BYTES;
}

#ifdef WITH_ASAN
static const void *main_stack;
static size_t main_stack_size;
#endif

#ifndef WITH_ASAN
/* Clear what earlier calls have left below the stack in use: it is part of no state. */
static __attribute__((noinline)) void scrub(void)
{
    unsigned char below[3072];
    memset(below, 0, sizeof below);
    __asm__ volatile("" : : "r"(below) : "memory");
}
#endif

/* All registers go to the stack first, so that the stack is all that there is to a position. */
static __attribute__((noinline)) void switch_to_search(int actor, bool for_good)
{
    __builtin_unwind_init();
    positions[actor].stack_low = (unsigned char *)__builtin_frame_address(0) - 512;
#ifdef WITH_ASAN
    void *fake = NULL;
    __sanitizer_start_switch_fiber(for_good ? NULL : &fake, main_stack, main_stack_size);
    swapcontext(&contexts[actor], &main_context);
    __sanitizer_finish_switch_fiber(fake, &main_stack, &main_stack_size);
#else
    (void)for_good;
    if (copied)
        scrub();
    swapcontext(&contexts[actor], &main_context);
#endif
}

static void pause_at(const char *label, bool (*holds)(void *), void *context, int choices)
{
    int actor = current;
    positions[actor].label = label;
    positions[actor].holds = holds;
    positions[actor].context = context;
    positions[actor].choices = choices;
    switch_to_search(actor, false);
}

void give_way(const char *label)
{
    if (current >= 0)
        pause_at(label, NULL, NULL, 1);
}

void wait_until(const char *label, bool (*holds)(void *), void *context)
{
    if (current >= 0)
        pause_at(label, holds, context, 1);
    else if (!holds(context))
        violation("nobody else is there to make an end of waiting to %s", label);
}

int choose(const char *label, int count)
{
    if (count < 2 || current < 0)
        return 0;
    pause_at(label, NULL, NULL, count);
    return positions[current].choice;
}

static void actor_main(int actor)
{
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(NULL, &main_stack, &main_stack_size);
#endif
    scenario->run(actor);
    positions[actor].done = true;
    positions[actor].label = "end";
    switch_to_search(actor, true);
}

static void start_actor(int actor)
{
    memset(stacks[actor], 0, STACK_BYTES);
    positions[actor] = (struct position){.label = "start", .choices = 1};
    positions[actor].stack_low = stack_top(actor) - 1024;
    getcontext(&contexts[actor]);
    contexts[actor].uc_stack.ss_sp = stacks[actor];
    contexts[actor].uc_stack.ss_size = STACK_BYTES;
    contexts[actor].uc_link = NULL;
    makecontext(&contexts[actor], (void (*)(void))actor_main, 1, actor);
}

static void step(int actor, int choice)
{
    positions[actor].choice = choice;
    current = actor;
#ifdef WITH_ASAN
    void *fake = NULL;
    __sanitizer_start_switch_fiber(&fake, stacks[actor], STACK_BYTES);
    swapcontext(&main_context, &contexts[actor]);
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#else
    swapcontext(&main_context, &contexts[actor]);
#endif
    current = -1;
}

/* ---- locks ---- */

/* Who holds which: actors are coroutines of one thread, which must never wait for itself. */
struct lock {
    const void *mutex;
    bool held;
    bool shown; /* others may come between before it is taken */
};

static struct lock locks[LOCKS];
static int lock_count;
static bool next_lock_shown;

static struct lock *lock_of(const void *mutex)
{
    for (int i = 0; i < lock_count; i++) {
        if (locks[i].mutex == mutex)
            return &locks[i];
    }
    if (lock_count == LOCKS)
        abort();
    locks[lock_count] = (struct lock){.mutex = mutex};
    return &locks[lock_count++];
}

static bool is_free(void *lock)
{
    return !((struct lock *)lock)->held;
}

/* A file makes its lock right after its history's, which guards a list of tables that stays as it
** is, and is held for one call only. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    (void)attributes;
    memset(mutex, 0, sizeof(pthread_mutex_t));
    lock_of(mutex)->shown = next_lock_shown;
    next_lock_shown = !next_lock_shown;
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    struct lock *lock = lock_of(mutex);
    *lock = locks[--lock_count];
    return 0;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    struct lock *lock = lock_of(mutex);
    if (lock->shown || lock->held)
        wait_until("lock the file", is_free, lock);
    lock->held = true;
    return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    lock_of(mutex)->held = false;
    return 0;
}

/* ---- states ---- */

static size_t stack_used(int actor)
{
    return (size_t)(stack_top(actor) - positions[actor].stack_low);
}

static size_t state_size(void)
{
    size_t size = sizeof positions + sizeof contexts + sizeof locks + scenario->model_size +
                  sizeof(size_t) + world_heap_size();
    for (int i = 0; i < scenario->actors; i++)
        size += stack_used(i);
    return size;
}

static unsigned char *put(unsigned char *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    return to + size;
}

static void state_save(unsigned char *to)
{
    size_t heap = world_heap_size();
    to = put(to, positions, sizeof positions);
    to = put(to, contexts, sizeof contexts);
    to = put(to, locks, sizeof locks);
    to = put(to, scenario->model, scenario->model_size);
    to = put(to, &heap, sizeof heap);
    to = put(to, world_heap(), heap);
    for (int i = 0; i < scenario->actors; i++)
        to = put(to, positions[i].stack_low, stack_used(i));
}

static const unsigned char *take(const unsigned char *from, void *to, size_t size)
{
    memcpy(to, from, size);
    return from + size;
}

static void state_restore(const unsigned char *from)
{
    size_t heap;
    from = take(from, positions, sizeof positions);
    from = take(from, contexts, sizeof contexts);
    from = take(from, locks, sizeof locks);
    from = take(from, scenario->model, scenario->model_size);
    from = take(from, &heap, sizeof heap);
    if (world_heap_size() > heap)
        memset(world_heap() + heap, 0, world_heap_size() - heap);
    from = take(from, world_heap(), heap);
    for (int i = 0; i < scenario->actors; i++)
        from = take(from, positions[i].stack_low, stack_used(i));
}

static uint64_t state_hash(void)
{
    XXH3_state_t hash;
    XXH3_64bits_reset(&hash);
    XXH3_64bits_update(&hash, locks, sizeof locks);
    XXH3_64bits_update(&hash, scenario->model, scenario->model_size);
    XXH3_64bits_update(&hash, world_heap(), world_heap_size());
    for (int i = 0; i < scenario->actors; i++) {
        XXH3_64bits_update(&hash, &positions[i].label, sizeof positions[i].label);
        if (!positions[i].done)
            XXH3_64bits_update(&hash, positions[i].stack_low, stack_used(i));
    }
    return XXH3_64bits_digest(&hash);
}

/* ---- states visited ---- */

static uint64_t *visited;
static size_t visited_room; /* a power of two */
static size_t visited_count;

static bool visit_in(uint64_t *table, size_t room, uint64_t hash)
{
    size_t at = hash & (room - 1);
    while (table[at] != 0 && table[at] != hash)
        at = (at + 1) & (room - 1);
    bool is_new = table[at] == 0;
    table[at] = hash;
    return is_new;
}

/* False when it was visited before. */
static bool visit(uint64_t hash)
{
    hash += hash == 0;
    if (2 * visited_count >= visited_room) {
        size_t room = visited_room ? 2 * visited_room : 1 << 16;
        uint64_t *table = calloc(room, sizeof *table);
        if (table == NULL)
            abort();
        for (size_t i = 0; i < visited_room; i++) {
            if (visited[i] != 0)
                visit_in(table, room, visited[i]);
        }
        free(visited);
        visited = table;
        visited_room = room;
    }
    bool is_new = visit_in(visited, visited_room, hash);
    visited_count += is_new;
    return is_new;
}

/* ---- the search ---- */

struct turn {
    int actor;
    int choice;
};

struct level {
    unsigned char *state;
    size_t room;
    struct turn turns[ACTORS + MAX_CHOICES];
    int turn_count;
    int next;
};

static struct level levels[MAX_DEPTH];
static struct {
    struct turn turn;
    const char *label;
    int choices;
} path[MAX_DEPTH];
static unsigned depth;
static struct search search;

void violation(const char *format, ...)
{
    va_list arguments;
    search.violated = true;
    printf("# violation: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n# the schedule of %s:\n", scenario->name);
    for (unsigned i = 0; i < depth; i++) {
        printf("#   %3u %s: %s", i, scenario->names[path[i].turn.actor], path[i].label);
        if (path[i].choices > 1)
            printf(" = %d", path[i].turn.choice);
        printf("\n");
    }
}

static bool is_enabled(int actor)
{
    const struct position *at = &positions[actor];
    return !at->done && (at->holds == NULL || at->holds(at->context));
}

/* What can be done next. A choice comes before all else: nobody can tell when it was made. */
static int list_turns(struct turn *turns)
{
    int count = 0;
    bool all_done = true;
    for (int i = 0; i < scenario->actors; i++) {
        all_done = all_done && positions[i].done;
        if (positions[i].done || positions[i].choices < 2)
            continue;
        for (int choice = 0; choice < positions[i].choices; choice++)
            turns[count++] = (struct turn){i, choice};
        return count;
    }
    for (int i = 0; i < scenario->actors; i++) {
        if (is_enabled(i))
            turns[count++] = (struct turn){i, 0};
    }
    if (count == 0 && !all_done)
        violation("all wait for each other");
    return count;
}

static void take_turn(struct turn turn)
{
    path[depth].turn = turn;
    path[depth].label = positions[turn.actor].label;
    path[depth].choices = positions[turn.actor].choices;
    depth++;
    if (depth > search.depth)
        search.depth = depth;
    search.steps++;
    step(turn.actor, turn.choice);
}

static void begin(const struct scenario *which, bool copy)
{
    scenario = which;
    copied = copy;
    lock_count = 0;
    next_lock_shown = false;
    memset(scenario->model, 0, scenario->model_size);
    scenario->set_up();
    for (int i = 0; i < scenario->actors; i++)
        start_actor(i);
}

/* A state reached: come back to it for each of its turns, if it is a new one. */
static bool enter_level(struct level *level)
{
    level->turn_count = 0;
    level->next = 0;
    if (!visit(state_hash()))
        return false;
    level->turn_count = list_turns(level->turns);
    if (level->turn_count < 2)
        return level->turn_count > 0;
    size_t size = state_size();
    if (size > level->room) {
        free(level->state);
        level->state = malloc(size);
        level->room = size;
    }
    state_save(level->state);
    return true;
}

static void walk_all(uint64_t max_states)
{
    enter_level(&levels[0]);
    for (;;) {
        struct level *level = &levels[depth];
        if (level->next == level->turn_count) {
            if (depth-- == 0)
                return;
            continue;
        }
        if (level->next > 0)
            state_restore(level->state);
        take_turn(level->turns[level->next++]);
        if (search.violated)
            return;
        if (!enter_level(&levels[depth]))
            search.schedules++;
        search.cut = visited_count >= max_states;
        if (search.violated || search.cut)
            return;
        if (depth + 1 == MAX_DEPTH)
            abort();
    }
}

struct search search_all(const struct scenario *which, uint64_t max_states)
{
    memory_use(&world_allocator);
    world_heap_clear();
    search = (struct search){0};
    depth = 0;
    begin(which, true);
    walk_all(max_states);
    search.states = visited_count;
    free(visited);
    visited = NULL;
    visited_room = visited_count = 0;
    return search;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    return XXH3_64bits(seed, sizeof *seed);
}

/* The actor that ran last goes on more often than not, so that whole calls come between others. */
static struct turn random_turn(const struct turn *turns, int count, int last, uint64_t *seed)
{
    for (int i = 0; i < count; i++) {
        if (turns[i].actor == last && turns[i].choice == 0 && positions[last].choices < 2 &&
            next_random(seed) % 4 != 0)
            return turns[i];
    }
    return turns[next_random(seed) % (uint64_t)count];
}

struct search search_some(const struct scenario *which, uint64_t schedules, uint64_t seed)
{
    struct turn turns[ACTORS + MAX_CHOICES];
    memory_use(NULL);
    search = (struct search){0};
    for (; search.schedules < schedules && !search.violated; search.schedules++) {
        depth = 0;
        begin(which, false);
        int count;
        struct turn turn = {-1, 0};
        while (!search.violated && depth < MAX_DEPTH && (count = list_turns(turns)) > 0) {
            turn = random_turn(turns, count, turn.actor, &seed);
            take_turn(turn);
        }
        if (!search.violated)
            which->tear_down();
    }
    return search;
}
