/* Flights: who computes, who waits for whom and how long, and that nothing is left of it. */
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/process.h"
#include "base/ticks.h"
#include "counting.h"
#include "numbered.h"
#include "store/flight.h"

#define MILLISECOND (TICKS_PER_SECOND / 1000)

/* Longer than any test takes: a wait that lasts so long has failed. */
#define LONG_WAIT (100 * TICKS_PER_SECOND)

/* How much later than asked a thread may be woken on a busy machine, under valgrind. */
#define SLACK (20 * TICKS_PER_SECOND)

static struct history *histories[2];
static struct store *store;
static struct space *spaces[2];

/* ---- what threads do ---- */

static void pause_for(int64_t nanoseconds)
{
    struct timespec span = {.tv_sec = (time_t)(nanoseconds / TICKS_PER_SECOND),
                            .tv_nsec = (long)(nanoseconds % TICKS_PER_SECOND)};
    nanosleep(&span, NULL);
}

/* An integer. NULL when memory is short. */
static struct result *make_result(int64_t number)
{
    return result_of_cell(&(struct cell){.type = CELL_INTEGER, .integer = number});
}

static int64_t number_of(const struct result *result)
{
    return result_cell(result, 0, 0).integer;
}

static struct query_identity sample(void)
{
    return (struct query_identity){
        .key = {1, 2},
        .space = spaces[0],
        .owner = 3,
        .sql = "SELECT 1",
        .sql_size = 8,
        .params = "\1\0\2",
        .params_size = 3,
    };
}

/* Until that many wait for it. */
static void await_waiting(const struct flight *flight, unsigned count)
{
    while (flight_waiting(flight) < count)
        pause_for(MILLISECOND);
}

/* Boards, and lands at once where it leads, with `lands` or a failure. */
struct passenger {
    pthread_t thread;
    const struct query_identity *identity;
    int64_t wait_ns;
    struct result *lands;
    int64_t computes_for;   /* ns, before it lands */
    const _Atomic bool *go; /* likewise until this is true; or NULL */
    bool until_awaited;     /* likewise until somebody waits for it */
    _Atomic bool leads;
    enum boarding boarding;
    struct result *result;
    int64_t load_ns;
    int64_t took;
};

static void *ride(void *context)
{
    struct passenger *passenger = context;
    struct flight *flight;
    int64_t start = ticks_now();
    passenger->boarding = flight_board(passenger->identity, NULL, passenger->wait_ns, &flight,
                                       &passenger->result, &passenger->load_ns);
    passenger->took = ticks_now() - start;
    if (passenger->boarding == FLIGHT_LEAD && passenger->computes_for > 0)
        pause_for(passenger->computes_for);
    while (passenger->boarding == FLIGHT_LEAD && passenger->go != NULL && !*passenger->go)
        pause_for(MILLISECOND);
    passenger->leads = passenger->boarding == FLIGHT_LEAD;
    if (passenger->leads && passenger->until_awaited)
        await_waiting(flight, 1);
    flight_land(flight, passenger->lands, 77);
    return NULL;
}

static void set_out(struct passenger *passenger)
{
    if (pthread_create(&passenger->thread, NULL, ride, passenger) != 0)
        ok(false, "a thread starts");
}

/* This thread boards, without waiting. */
static enum boarding board(const struct query_identity *identity, const struct evidence *evidence,
                           struct flight **flight)
{
    struct result *result;
    int64_t load_ns;
    return flight_board(identity, evidence, 0, flight, &result, &load_ns);
}

/* This thread boards what another leads; true when it gets its result. */
static bool waits_for_another(const struct query_identity *identity)
{
    struct result *computed = make_result(9);
    struct passenger leader = {.identity = identity, .lands = computed, .until_awaited = true};
    set_out(&leader);
    while (!leader.leads)
        pause_for(MILLISECOND);
    struct flight *flight;
    struct result *result;
    int64_t load_ns;
    enum boarding boarding = flight_board(identity, NULL, LONG_WAIT, &flight, &result, &load_ns);
    if (boarding == FLIGHT_LANDED)
        pthread_join(leader.thread, NULL);
    bool landed = boarding == FLIGHT_LANDED && result == computed && load_ns == 77;
    result_release(result);
    result_release(computed);
    return landed;
}

/* ---- plain cases ---- */

static void test_one_computes(void)
{
    enum { WAITING = 8 };
    int64_t before = counting_bytes;
    struct query_identity identity = sample();
    struct flight *flight;
    struct result *result;
    int64_t load_ns = 1;
    is_int(flight_board(&identity, NULL, LONG_WAIT, &flight, &result, &load_ns), FLIGHT_LEAD,
           "the first leads");
    ok(flight != NULL && result == NULL && load_ns == 0, "and has a flight, but no result");
    struct passenger passengers[WAITING] = {0};
    for (int i = 0; i < WAITING; i++) {
        passengers[i].identity = &identity;
        passengers[i].wait_ns = i % 2 == 0 ? LONG_WAIT : TICKS_NEVER;
        set_out(&passengers[i]);
    }
    await_waiting(flight, WAITING);
    struct result *computed = make_result(42);
    flight_land(flight, computed, 123);
    int same = 0;
    for (int i = 0; i < WAITING; i++) {
        pthread_join(passengers[i].thread, NULL);
        same += passengers[i].boarding == FLIGHT_LANDED && passengers[i].result == computed &&
                passengers[i].load_ns == 123;
    }
    is_int(same, WAITING, "all who wait get its very result, and what it took");
    result_release(computed);
    is_int(number_of(passengers[0].result), 42, "which each holds for itself");
    for (int i = 0; i < WAITING; i++)
        result_release(passengers[i].result);
    is_int(counting_bytes, before, "and nothing is left of the flight");
    is_int(board(&identity, NULL, &flight), FLIGHT_LEAD, "who comes after it landed leads anew");
    flight_land(flight, NULL, 0);
    is_int(counting_bytes, before, "a failure that nobody waits for leaves nothing either");
}

static void test_same_thread(void)
{
    struct query_identity identity = sample();
    struct query_identity other = sample();
    other.key.high++;
    struct flight *outer;
    struct flight *inner;
    struct flight *none;
    struct result *result;
    int64_t load_ns;
    board(&identity, NULL, &outer);
    is_int(flight_board(&identity, NULL, LONG_WAIT, &none, &result, &load_ns), FLIGHT_ALONE,
           "a leader that asks again computes alone");
    ok(none == NULL && result == NULL, "and has neither flight nor result");
    is_int(flight_board(&other, NULL, LONG_WAIT, &inner, &result, &load_ns), FLIGHT_LEAD,
           "a leader may lead another flight");
    flight_land(inner, NULL, 0);
    flight_land(none, NULL, 0);
    is_int(board(&identity, NULL, &none), FLIGHT_ALONE, "and still leads the first after it");
    flight_land(outer, NULL, 0);
    ok(waits_for_another(&identity), "and waits for others again when it leads none");
}

/* Two leaders, each of which asks for what the other leads. */
struct pair {
    struct query_identity first;
    struct query_identity second;
    pthread_barrier_t both_lead;
    pthread_barrier_t both_asked;
    _Atomic int alone;
};

static void cross(struct pair *pair, const struct query_identity *own,
                  const struct query_identity *other)
{
    struct flight *flight;
    struct flight *none;
    struct result *result;
    int64_t load_ns;
    board(own, NULL, &flight);
    pthread_barrier_wait(&pair->both_lead);
    if (flight_board(other, NULL, LONG_WAIT, &none, &result, &load_ns) == FLIGHT_ALONE)
        atomic_fetch_add(&pair->alone, 1);
    pthread_barrier_wait(&pair->both_asked);
    flight_land(flight, NULL, 0);
}

static void *cross_over(void *context)
{
    struct pair *pair = context;
    cross(pair, &pair->second, &pair->first);
    return NULL;
}

static void test_no_circle(void)
{
    struct pair pair = {.first = sample(), .second = sample()};
    pair.second.key.high++;
    pthread_barrier_init(&pair.both_lead, NULL, 2);
    pthread_barrier_init(&pair.both_asked, NULL, 2);
    pthread_t thread;
    pthread_create(&thread, NULL, cross_over, &pair);
    cross(&pair, &pair.first, &pair.second);
    pthread_join(thread, NULL);
    is_int(pair.alone, 2, "two leaders do not wait for each other");
    pthread_barrier_destroy(&pair.both_lead);
    pthread_barrier_destroy(&pair.both_asked);
}

/* While the sample is led by this thread, which would compute alone what is the same. */
static void is_other(const struct query_identity *identity, const struct evidence *evidence,
                     const char *name)
{
    struct flight *flight;
    is_int(board(identity, evidence, &flight), FLIGHT_LEAD, name);
    flight_land(flight, NULL, 0);
}

static void test_identity(void)
{
    struct query_identity identity = sample();
    struct flight *flight;
    struct flight *none;
    board(&identity, NULL, &flight);

    char sql[] = "SELECT 1, 2";
    char params[] = "\1\0\2\3";
    identity.sql = sql;
    identity.params = params;
    is_int(board(&identity, NULL, &none), FLIGHT_ALONE, "the same texts elsewhere are the same");
    struct evidence nothing = {0};
    is_int(board(&identity, &nothing, &none), FLIGHT_ALONE, "no evidence is evidence of nothing");
    identity.key.low++;
    is_other(&identity, NULL, "another key's low half is another flight");
    identity = sample();
    identity.key.high += 1 << 20;
    is_other(&identity, NULL, "so is another high half");
    identity = sample();
    identity.space = spaces[1];
    is_other(&identity, NULL, "another space");
    identity = sample();
    identity.owner = 4;
    is_other(&identity, NULL, "another owner");
    identity = sample();
    identity.sql = "SELECT 2";
    is_other(&identity, NULL, "another SQL text");
    identity.sql = sql;
    identity.sql_size = sizeof sql - 1;
    is_other(&identity, NULL, "a longer one");
    identity = sample();
    identity.params = "\1\0\3";
    is_other(&identity, NULL, "other parameters, behind a zero byte");
    identity.params = params;
    identity.params_size = 4;
    is_other(&identity, NULL, "more of them");
    identity.params = NULL;
    identity.params_size = 0;
    is_other(&identity, NULL, "none");
    identity.sql = NULL;
    identity.sql_size = 0;
    is_other(&identity, NULL, "no text at all");
    flight_land(flight, NULL, 0);
}

static void test_state(void)
{
    struct query_identity identity = sample();
    struct source sources[] = {{.history = histories[0], .epoch = 5},
                               {.history = histories[1], .epoch = 6}};
    struct source others[] = {sources[0], sources[1]};
    struct evidence state = {.source_count = 2, .sources = sources};
    struct evidence other = {.source_count = 2, .sources = others};
    struct flight *flight;
    struct flight *none;
    board(&identity, &state, &flight);
    is_int(board(&identity, &other, &none), FLIGHT_ALONE, "equal sources are the same state");
    others[1].epoch = 7;
    is_other(&identity, &other, "another epoch is another flight");
    others[1] = (struct source){.history = histories[0], .epoch = 6};
    is_other(&identity, &other, "so is another history");
    others[1] = sources[0];
    others[0] = sources[1];
    is_other(&identity, &other, "another order");
    others[0] = sources[0];
    other.source_count = 1;
    is_other(&identity, &other, "a source less");
    is_other(&identity, NULL, "none at all");
    flight_land(flight, NULL, 0);

    board(&identity, &other, &flight);
    is_other(&identity, &state, "and a source more");
    flight_land(flight, NULL, 0);
}

/* ---- leaders that fail ---- */

static void test_failing_leader(void)
{
    enum { WAITING = 4 };
    int64_t before = counting_bytes;
    struct query_identity identity = sample();
    struct flight *flight;
    board(&identity, NULL, &flight);
    struct result *computed = make_result(7);
    struct passenger passengers[WAITING] = {0};
    for (int i = 0; i < WAITING; i++) {
        passengers[i].identity = &identity;
        passengers[i].wait_ns = LONG_WAIT;
        passengers[i].lands = computed;
        set_out(&passengers[i]);
    }
    await_waiting(flight, WAITING);
    flight_land(flight, NULL, 0);
    int led = 0;
    int landed = 0;
    for (int i = 0; i < WAITING; i++) {
        pthread_join(passengers[i].thread, NULL);
        led += passengers[i].boarding == FLIGHT_LEAD;
        landed += passengers[i].result == computed && passengers[i].load_ns == 77;
        result_release(passengers[i].result);
    }
    is_int(led, 1, "when the leader fails, one of those who wait leads");
    is_int(landed, WAITING - 1, "and the others get what that one lands");
    for (int i = 0; i < WAITING; i++)
        passengers[i] = (struct passenger){.identity = &identity, .wait_ns = LONG_WAIT};
    board(&identity, NULL, &flight);
    for (int i = 0; i < WAITING; i++)
        set_out(&passengers[i]);
    await_waiting(flight, WAITING);
    flight_land(flight, NULL, 0);
    led = 0;
    for (int i = 0; i < WAITING; i++) {
        pthread_join(passengers[i].thread, NULL);
        led += passengers[i].boarding == FLIGHT_LEAD;
    }
    is_int(led, WAITING, "when they all fail, each tries in its turn");
    result_release(computed);
    is_int(counting_bytes, before, "and nothing is left");
}

/* The texts of the first leader are gone when another leads. */
static void test_texts_are_copied(void)
{
    char sql[] = "SELECT 1";
    char params[] = "\1\0\2";
    struct query_identity passing = sample();
    struct query_identity identity = sample();
    passing.sql = sql;
    passing.params = params;
    struct flight *flight;
    struct flight *other;
    board(&passing, NULL, &flight);
    _Atomic bool go = false;
    struct passenger passengers[2] = {0};
    for (int i = 0; i < 2; i++) {
        passengers[i].identity = &identity;
        passengers[i].wait_ns = LONG_WAIT;
        passengers[i].go = &go;
        set_out(&passengers[i]);
    }
    await_waiting(flight, 2);
    flight_land(flight, NULL, 0);
    memset(sql, 'x', sizeof sql - 1);
    memset(params, 'x', sizeof params - 1);
    /* One of the two may have it by now, or it is adrift and this thread has it, with two that
    ** wait. A flight of its own would have nobody. */
    enum boarding boarding = board(&identity, NULL, &flight);
    ok(boarding == FLIGHT_ALONE || (boarding == FLIGHT_LEAD && flight_waiting(flight) == 2),
       "a flight is found by its texts after their first owner has gone");
    is_int(board(&passing, NULL, &other), FLIGHT_LEAD, "and not by what is there now");
    flight_land(other, NULL, 0);
    flight_land(flight, NULL, 0);
    go = true;
    for (int i = 0; i < 2; i++)
        pthread_join(passengers[i].thread, NULL);
}

/* ---- the bound ---- */

static void test_bound(void)
{
    int64_t before = counting_bytes;
    struct query_identity identity = sample();
    struct flight *flight;
    board(&identity, NULL, &flight);
    struct passenger hasty = {.identity = &identity, .wait_ns = 0};
    struct passenger odd = {.identity = &identity, .wait_ns = -5};
    struct passenger patient = {.identity = &identity, .wait_ns = 100 * MILLISECOND};
    set_out(&hasty);
    pthread_join(hasty.thread, NULL);
    set_out(&odd);
    pthread_join(odd.thread, NULL);
    set_out(&patient);
    pthread_join(patient.thread, NULL);
    ok(hasty.boarding == FLIGHT_ALONE && hasty.took < SLACK, "a bound of 0 does not wait");
    ok(odd.boarding == FLIGHT_ALONE && odd.took < SLACK, "nor does one below");
    is_int(patient.boarding, FLIGHT_ALONE, "who has waited long enough computes alone");
    ok(patient.took >= patient.wait_ns, "not sooner");
    ok(patient.took < patient.wait_ns + SLACK, "nor much later");
    is_int(flight_waiting(flight), 0, "and is no longer waited for");
    flight_land(flight, NULL, 0);
    is_int(counting_bytes, before, "so that nothing is left");
}

/* Each leader takes its time and fails: were the bound one for each leader, all would lead. */
static void test_bound_over_leaders(void)
{
    enum { WAITING = 8 };
    struct query_identity identity = sample();
    struct flight *flight;
    board(&identity, NULL, &flight);
    struct passenger passengers[WAITING] = {0};
    for (int i = 0; i < WAITING; i++) {
        passengers[i].identity = &identity;
        passengers[i].wait_ns = 300 * MILLISECOND;
        passengers[i].computes_for = 200 * MILLISECOND;
        set_out(&passengers[i]);
    }
    pause_for(200 * MILLISECOND);
    flight_land(flight, NULL, 0);
    int alone = 0;
    int in_time = 0;
    for (int i = 0; i < WAITING; i++) {
        pthread_join(passengers[i].thread, NULL);
        alone += passengers[i].boarding == FLIGHT_ALONE;
        in_time +=
            passengers[i].took < passengers[i].wait_ns + SLACK &&
            (passengers[i].boarding == FLIGHT_LEAD || passengers[i].took >= passengers[i].wait_ns);
    }
    ok(alone > 0, "the bound is for all leaders together");
    is_int(in_time, WAITING, "and is kept by each who waits");
}

/* ---- short of memory ---- */

static void test_memory_short(void)
{
    int64_t before = counting_bytes;
    struct query_identity identity = sample();
    struct flight *flight;
    struct flight *none;
    counting_fail = 1;
    is_int(board(&identity, NULL, &none), FLIGHT_ALONE, "without memory one computes alone");
    ok(none == NULL && counting_fail == 0, "and has no flight");
    is_int(board(&identity, NULL, &flight), FLIGHT_LEAD, "and stands in nobody's way");
    struct passenger passenger = {.identity = &identity, .wait_ns = LONG_WAIT};
    struct result *computed = make_result(1);
    counting_fail = 1;
    set_out(&passenger);
    await_waiting(flight, 1);
    flight_land(flight, computed, 0);
    pthread_join(passenger.thread, NULL);
    is_int(passenger.boarding, FLIGHT_LANDED, "waiting and landing take no memory");
    is_int(counting_fail, 1, "none at all");
    counting_fail = 0;
    result_release(passenger.result);
    result_release(computed);
    identity.params_size = SIZE_MAX;
    is_int(board(&identity, NULL, &none), FLIGHT_ALONE, "what fits no memory is computed alone");
    is_int(counting_bytes, before, "and nothing is left");
}

/* ---- many threads ---- */

enum { CROWD = 8, QUERIES = 24, STEPS = 4000 };

/* What is asked for in the crowd, and how often it was computed. */
struct subject {
    struct query_identity identity;
    struct source source;
    struct evidence evidence;
    _Atomic int computing; /* flights led now */
    _Atomic int64_t begun;
    _Atomic int64_t landed;
};

struct crowd {
    struct subject subjects[QUERIES];
    _Atomic unsigned next;
    _Atomic int64_t counts[3]; /* by boarding */
    _Atomic int64_t wrong;     /* results of another computation than could be */
    _Atomic int64_t doubled;   /* computations of one thing at once, but for those alone */
};

/* Boards for something; where it leads, it has a flight afterwards. */
static struct subject *crowd_board(struct crowd *crowd, uint64_t *seed, bool leads,
                                   struct flight **flight)
{
    static const int64_t waits[] = {0, MILLISECOND / 20, LONG_WAIT, LONG_WAIT};
    /* Two thirds of all ask for two of them. */
    unsigned number = random_below(seed, random_below(seed, 3) > 0 ? 2 : QUERIES);
    struct subject *subject = &crowd->subjects[number];
    const struct evidence *evidence =
        subject->evidence.source_count > 0 ? &subject->evidence : NULL;
    int64_t landed = atomic_load(&subject->landed);
    struct result *result;
    int64_t load_ns;
    enum boarding boarding = flight_board(&subject->identity, evidence,
                                          waits[random_below(seed, 4)], flight, &result, &load_ns);
    atomic_fetch_add(&crowd->counts[boarding], 1);
    /* Those that had landed before it boarded are too old. */
    if (boarding == FLIGHT_LANDED &&
        (number_of(result) % QUERIES != number || number_of(result) / QUERIES != load_ns ||
         load_ns < landed || leads))
        atomic_fetch_add(&crowd->wrong, 1);
    result_release(result);
    return subject;
}

/* The number of this computation among all of the same. */
static int64_t crowd_begin(struct crowd *crowd, struct subject *subject)
{
    if (atomic_fetch_add(&subject->computing, 1) != 0)
        atomic_fetch_add(&crowd->doubled, 1);
    return atomic_fetch_add(&subject->begun, 1);
}

static void crowd_land(struct crowd *crowd, struct subject *subject, struct flight *flight,
                       int64_t ordinal, bool fails)
{
    int64_t query = subject - crowd->subjects;
    struct result *result = fails ? NULL : make_result(ordinal * QUERIES + query);
    atomic_fetch_sub(&subject->computing, 1);
    flight_land(flight, result, ordinal);
    atomic_fetch_add(&subject->landed, 1);
    result_release(result);
}

static void crowd_step(struct crowd *crowd, uint64_t *seed)
{
    struct flight *flight;
    struct subject *subject = crowd_board(crowd, seed, false, &flight);
    if (flight == NULL)
        return;
    int64_t ordinal = crowd_begin(crowd, subject);
    unsigned kind = random_below(seed, 16);
    if (kind % 4 == 0)
        sched_yield();
    if (kind == 5)
        pause_for(MILLISECOND / 4);
    if (kind > 12) {
        struct flight *inner;
        struct subject *other = crowd_board(crowd, seed, true, &inner);
        if (inner != NULL)
            crowd_land(crowd, other, inner, crowd_begin(crowd, other), kind == 13);
    }
    crowd_land(crowd, subject, flight, ordinal, kind < 4);
}

static void *crowd_thread(void *context)
{
    struct crowd *crowd = context;
    uint64_t seed = 1000 + atomic_fetch_add(&crowd->next, 1);
    for (int i = 0; i < STEPS; i++)
        crowd_step(crowd, &seed);
    return NULL;
}

/* Six keys, two parameters of each, and two states. */
static void gather(struct crowd *crowd)
{
    for (unsigned i = 0; i < QUERIES; i++) {
        struct subject *subject = &crowd->subjects[i];
        subject->identity = sample();
        subject->identity.key.high = i / 4;
        subject->identity.params_size = 2 + i % 2;
        subject->source = (struct source){.history = histories[0], .epoch = i / 2 % 2};
        subject->evidence =
            (struct evidence){.source_count = i / 2 % 2, .sources = &subject->source};
    }
}

static void test_threads(void)
{
    static struct crowd crowd;
    int64_t before = counting_bytes;
    gather(&crowd);
    pthread_t threads[CROWD];
    for (int i = 0; i < CROWD; i++)
        pthread_create(&threads[i], NULL, crowd_thread, &crowd);
    for (int i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    printf("# led %lld, landed %lld, alone %lld\n", (long long)crowd.counts[FLIGHT_LEAD],
           (long long)crowd.counts[FLIGHT_LANDED], (long long)crowd.counts[FLIGHT_ALONE]);
    is_int(crowd.doubled, 0, "in a crowd nothing is computed twice at once");
    is_int(crowd.wrong, 0, "and who waits gets a result of its own query, computed meanwhile");
    ok(crowd.counts[FLIGHT_LANDED] > 0 && crowd.counts[FLIGHT_ALONE] > 0, "all of which happened");
    is_int(counting_bytes, before, "nothing is left");
    bool clear = true;
    for (int i = 0; i < QUERIES; i++) {
        struct flight *flight;
        clear = board(&crowd.subjects[i].identity, NULL, &flight) == FLIGHT_LEAD && clear;
        flight_land(flight, NULL, 0);
    }
    ok(clear, "and no flight under way");
}

/* ---- fork ---- */

/* What a child gives back; -1 where it did not end by itself. Children neither free nor print. */
static int child_status(pid_t child)
{
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

/* Before there were threads: ThreadSanitizer allows the child its own only then. */
static void test_fork_of_leader(void)
{
    struct query_identity identity = sample();
    struct flight *flight;
    board(&identity, NULL, &flight);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        flight_land(flight, NULL, 0);
        _exit(waits_for_another(&identity) ? 0 : 1);
    }
    is_int(child_status(child), 0, "the child of a leader leads nothing, and waits for others");
    flight_land(flight, NULL, 0);
}

static void test_fork(void)
{
    int64_t before = counting_bytes;
    struct query_identity identity = sample();
    struct flight *flight;
    struct flight *other;
    board(&identity, NULL, &flight);
    struct passenger passenger = {.identity = &identity, .wait_ns = LONG_WAIT};
    set_out(&passenger);
    await_waiting(flight, 1);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        bool led = board(&identity, NULL, &other) == FLIGHT_LEAD;
        flight_land(flight, NULL, 0); /* the parent's */
        struct flight *none;
        bool alone = board(&identity, NULL, &none) == FLIGHT_ALONE;
        flight_land(other, NULL, 0);
        _exit(led && alone && board(&identity, NULL, &none) == FLIGHT_LEAD ? 0 : 1);
    }
    is_int(child_status(child), 0, "a child leads what its parent led");
    is_int(flight_waiting(flight), 1, "and the parent's flight goes on");
    flight_land(flight, NULL, 0);
    pthread_join(passenger.thread, NULL);
    is_int(counting_bytes, before, "and leaves nothing");
}

struct bustle {
    _Atomic bool over;
    _Atomic unsigned next;
};

/* Keeps the locks busy. */
static void *bustle_thread(void *context)
{
    struct bustle *bustle = context;
    struct query_identity identity = sample();
    identity.key.low = atomic_fetch_add(&bustle->next, 1);
    for (uint64_t i = 0; !bustle->over; i++) {
        struct flight *flight;
        identity.key.high = i;
        board(&identity, NULL, &flight);
        flight_land(flight, NULL, 0);
    }
    return NULL;
}

static void test_fork_amid_flights(void)
{
    enum { THREADS = 3, CHILDREN = 40 };
    struct bustle bustle = {0};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, bustle_thread, &bustle);
    int good = 0;
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            struct query_identity identity = sample();
            struct flight *flight;
            int led = 0;
            for (identity.key.high = 0; identity.key.high < 64; identity.key.high++)
                led += board(&identity, NULL, &flight) == FLIGHT_LEAD;
            _exit(led == 64 ? 0 : 1);
        }
        good += child_status(child) == 0;
    }
    bustle.over = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    is_int(good, CHILDREN, "a child finds no lock held, whatever the parent's threads did");
}

int main(void)
{
    counting_start();
    ok(process_on_fork(flight_forget_all), "a child forgets the flights of its parent");
    for (int i = 0; i < 2; i++)
        histories[i] = history_new(i == 0 ? "one" : "two");
    store = store_new(1, (struct limits){INT64_MAX, INT64_MAX});
    for (int i = 0; i < 2; i++)
        spaces[i] = store_space(store, "space", &i, sizeof i);
    test_fork_of_leader();
    test_one_computes();
    test_same_thread();
    test_no_circle();
    test_identity();
    test_state();
    test_failing_leader();
    test_texts_are_copied();
    test_bound();
    test_bound_over_leaders();
    test_memory_short();
    test_threads();
    test_fork();
    test_fork_amid_flights();
    for (int i = 0; i < 2; i++) {
        space_release(spaces[i]);
        history_release(histories[i]);
    }
    store_free(store);
    is_int(counting_bytes, 0, "nothing is live at the end");
    return tap_done();
}
