/*
** memcached beside the application, over a Unix socket: the rows as bytes under a key, asked for
** and decoded (libmemcached).
*/
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <libmemcached/memcached.h>

#include "../support/measure.h"
#include "peer.h"
#include "server.h"

struct beside {
    const char *socket;
    enum core core;
    const struct query *query;
    struct server server;
    memcached_st *client;
};

static struct beside own_core = {.socket = "memcached-own.sock", .core = OWN_CORE};
static struct beside same_core = {.socket = "memcached-same.sock", .core = SAME_CORE};

struct key {
    char text[64];
    size_t size;
};

static struct key make_key(const struct beside *beside, sqlite3_int64 parameter)
{
    struct key key;
    int size =
        snprintf(key.text, sizeof key.text, "%s:%lld", beside->query->name, (long long)parameter);
    key.size = (size_t)size;
    return key;
}

static void check(const struct beside *beside, memcached_return_t code)
{
    if (code != MEMCACHED_SUCCESS)
        bench_fail("memcached", memcached_strerror(beside->client, code));
}

static const char *beside_open(void *self, const struct query *query)
{
    /* It refuses to be root without being told so. With a socket it has no port. */
    const char *arguments[] = {"memcached", "-s", SERVER_SOCKET, NULL, NULL, NULL};
    struct beside *beside = self;
    beside->query = query;
    if (geteuid() == 0) {
        arguments[3] = "-u";
        arguments[4] = "root";
    }
    const char *left_out = server_start(&beside->server, beside->socket, beside->core, arguments);
    if (left_out != NULL)
        return left_out;
    beside->client = memcached_create(NULL);
    if (beside->client == NULL)
        bench_fail("memcached", "out of memory");
    check(beside, memcached_server_add_unix_socket(beside->client, beside->server.socket));
    return NULL;
}

/* What an application does when it finds nothing: compute, serialize, leave it there. */
static void beside_keep(void *self)
{
    const struct beside *beside = self;
    for (int i = 1; i <= beside->query->parameters; i++) {
        struct buffer rows = peer_compute(beside->query, i);
        struct key key = make_key(beside, i);
        check(beside,
              memcached_set(beside->client, key.text, key.size, rows.bytes, rows.size, 0, 0));
        buffer_clear(&rows);
    }
}

static void beside_read(void *self, struct reading *reading, sqlite3_int64 parameter)
{
    const struct beside *beside = self;
    struct key key = make_key(beside, parameter);
    memcached_return_t code;
    uint32_t flags = 0;
    size_t size = 0;
    char *rows = memcached_get(beside->client, key.text, key.size, &size, &flags, &code);
    check(beside, code);
    if (rows == NULL)
        bench_fail("memcached", "an empty value");
    rows_of_bytes(reading, rows, size);
    free(rows);
}

/* Items with their headers; the slabs they lie in are taken by the megabyte. */
static double beside_memory(void *self)
{
    const struct beside *beside = self;
    memcached_return_t code;
    memcached_stat_st *statistics = memcached_stat(beside->client, NULL, &code);
    check(beside, code);
    double bytes = (double)statistics->bytes;
    memcached_stat_free(beside->client, statistics);
    return bytes;
}

static void beside_close(void *self)
{
    struct beside *beside = self;
    memcached_free(beside->client);
    server_stop(&beside->server);
}

#define METHODS                                                                                    \
    .open = beside_open, .keep = beside_keep, .read = beside_read, .memory = beside_memory,        \
    .close = beside_close

const struct peer memcached_own_core_peer = {
    .name = "memcached (own core)", .self = &own_core, METHODS};
const struct peer memcached_same_core_peer = {
    .name = "memcached (client's core)", .self = &same_core, METHODS};
