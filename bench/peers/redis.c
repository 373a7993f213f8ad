/*
** Redis beside the application, over a Unix socket: the rows as bytes under a key, asked for with
** GET and decoded (hiredis). Nothing is saved to disk.
*/
#include <hiredis/hiredis.h>

#include "../support/measure.h"
#include "peer.h"
#include "server.h"

struct redis {
    const char *socket;
    enum core core;
    const struct query *query;
    struct server server;
    redisContext *context;
};

static struct redis own_core = {.socket = "redis-own.sock", .core = OWN_CORE};
static struct redis same_core = {.socket = "redis-same.sock", .core = SAME_CORE};

static const char *redis_open(void *self, const struct query *query)
{
    static const char *const arguments[] = {
        "redis-server", "--unixsocket", SERVER_SOCKET, "--port", "0", "--save", "",
        "--appendonly", "no",           "--daemonize", "no",     NULL};
    struct redis *redis = self;
    redis->query = query;
    const char *left_out = server_start(&redis->server, redis->socket, redis->core, arguments);
    if (left_out != NULL)
        return left_out;
    redis->context = redisConnectUnix(redis->server.socket);
    if (redis->context == NULL || redis->context->err != 0)
        bench_fail("Redis", redis->context != NULL ? redis->context->errstr : "out of memory");
    return NULL;
}

static redisReply *checked(const struct redis *redis, redisReply *reply, int type)
{
    if (reply == NULL)
        bench_fail("Redis", redis->context->errstr);
    if (reply->type != type)
        bench_fail("Redis", reply->type == REDIS_REPLY_ERROR ? reply->str : "an unexpected answer");
    return reply;
}

/* What an application does when it finds nothing: compute, serialize, leave it there. */
static void redis_keep(void *self)
{
    const struct redis *redis = self;
    for (int i = 1; i <= redis->query->parameters; i++) {
        struct buffer rows = peer_compute(redis->query, i);
        redisReply *reply = redisCommand(redis->context, "SET %s:%d %b", redis->query->name, i,
                                         rows.bytes, rows.size);
        freeReplyObject(checked(redis, reply, REDIS_REPLY_STATUS));
        buffer_clear(&rows);
    }
}

static void redis_read(void *self, struct reading *reading, sqlite3_int64 parameter)
{
    const struct redis *redis = self;
    redisReply *reply =
        redisCommand(redis->context, "GET %s:%lld", redis->query->name, (long long)parameter);
    rows_of_bytes(reading, checked(redis, reply, REDIS_REPLY_STRING)->str, reply->len);
    freeReplyObject(reply);
}

/* Keys and values with their headers. used_memory would count this connection's buffers too, which
** are larger than a hundred short results. */
static double redis_memory(void *self)
{
    const struct redis *redis = self;
    double bytes = 0;
    for (int i = 1; i <= redis->query->parameters; i++) {
        redisReply *reply =
            redisCommand(redis->context, "MEMORY USAGE %s:%d", redis->query->name, i);
        if (reply == NULL)
            bench_fail("Redis", redis->context->errstr);
        bytes += reply->type == REDIS_REPLY_INTEGER ? (double)reply->integer : 0; /* or not there */
        freeReplyObject(reply);
    }
    return bytes;
}

static void redis_close(void *self)
{
    struct redis *redis = self;
    redisFree(redis->context);
    server_stop(&redis->server);
}

#define METHODS                                                                                    \
    .open = redis_open, .keep = redis_keep, .read = redis_read, .memory = redis_memory,            \
    .close = redis_close

const struct peer redis_own_core_peer = {.name = "Redis (own core)", .self = &own_core, METHODS};
const struct peer redis_same_core_peer = {
    .name = "Redis (client's core)", .self = &same_core, METHODS};
