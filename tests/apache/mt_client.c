/* mt_client.c -- A program of libzookeeper_mt, as applications are: mt_client CONNECT_STRING
 *
 * create, ephemeral sequential znodes, watches, multi, ACLs; then the server it is connected to is taken away and it goes on elsewhere.
 * Prints what it sees, in an order that does not depend on chance, and waits at "take my server away PORT" until a line comes on stdin.
 * What it prints is the same on any ZooKeeper.
 */
#define THREADED /* the synchronous calls of zookeeper.h */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zookeeper/zookeeper.h>

#define PATIENCE_SECONDS 60

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int state;
    int connects;
    int fired;
    char path[256];
    int type;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void watcher(zhandle_t *handle, int type, int state, const char *path, void *context)
{
    (void)handle;
    (void)context;
    pthread_mutex_lock(&seen.lock);
    if (type == ZOO_SESSION_EVENT) {
        seen.state = state;
        seen.connects += state == ZOO_CONNECTED_STATE;
    } else {
        seen.fired++;
        seen.type = type;
        snprintf(seen.path, sizeof seen.path, "%s", path);
    }
    pthread_cond_broadcast(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
}

static void await(const int *count, int least)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_SECONDS;
    pthread_mutex_lock(&seen.lock);
    while (*count < least) {
        if (pthread_cond_timedwait(&seen.changed, &seen.lock, &until) != 0) {
            fprintf(stderr, "nothing happened for %d s\n", PATIENCE_SECONDS);
            exit(1);
        }
    }
    pthread_mutex_unlock(&seen.lock);
}

static void tell(const char *what, int error)
{
    printf("%s: %s\n", what, zerror(error));
}

static void make_znodes(zhandle_t *handle)
{
    char path[256];
    struct Stat stat;
    tell("create /mt", zoo_create(handle, "/mt", "root", 4, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0));
    tell("create /mt again", zoo_create(handle, "/mt", "root", 4, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0));
    for (int i = 0; i < 3; i++) {
        int error = zoo_create2(handle, "/mt/e-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL | ZOO_SEQUENCE, path,
                                sizeof path, &stat);
        printf("create an ephemeral: %s, %s, owned by this session: %d\n", zerror(error), path,
               stat.ephemeralOwner == zoo_client_id(handle)->client_id);
    }
}

static void show_watch(const char *what, int before)
{
    await(&seen.fired, before + 1);
    printf("%s: type %d of %s\n", what, seen.type, seen.path);
}

static void use_watches(zhandle_t *handle)
{
    struct Stat stat;
    char data[64];
    int length = sizeof data;
    int before = seen.fired;
    tell("watch /mt", zoo_wget(handle, "/mt", watcher, NULL, data, &length, &stat));
    tell("set /mt", zoo_set(handle, "/mt", "new", 3, 0));
    show_watch("data", before);
    before = seen.fired;
    tell("watch /mt/later", zoo_wexists(handle, "/mt/later", watcher, NULL, &stat));
    tell("create /mt/later", zoo_create(handle, "/mt/later", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0));
    show_watch("existence", before);
    struct String_vector children = {0, NULL};
    before = seen.fired;
    tell("watch the children", zoo_wget_children(handle, "/mt", watcher, NULL, &children));
    printf("%d children\n", children.count);
    deallocate_String_vector(&children);
    tell("delete /mt/later", zoo_delete(handle, "/mt/later", -1));
    show_watch("children", before);
}

static void use_multi(zhandle_t *handle)
{
    struct Stat stat;
    char made[64];
    zoo_op_t operations[3];
    zoo_op_result_t results[3];
    zoo_create_op_init(&operations[0], "/mt/m", "1", 1, &ZOO_OPEN_ACL_UNSAFE, 0, made, sizeof made);
    zoo_set_op_init(&operations[1], "/mt/m", "2", 1, 0, &stat);
    zoo_check_op_init(&operations[2], "/mt", 1);
    tell("multi", zoo_multi(handle, 3, operations, results));
    printf("made %s, version %d\n", made, stat.version);
    int error = zoo_multi(handle, 3, operations, results);
    printf("multi again: %s (%s, %s, %s)\n", zerror(error), zerror(results[0].err), zerror(results[1].err),
           zerror(results[2].err));
}

static void use_acl(zhandle_t *handle)
{
    char scheme[] = "digest";
    char id[] = "ann:Xh1V1mUy0QJyLjNzDUjNvSfVSRE=";
    struct ACL entry = {ZOO_PERM_ALL, {scheme, id}};
    struct ACL_vector only_ann = {1, &entry};
    struct ACL_vector found;
    struct Stat stat;
    char data[64];
    int length = sizeof data;
    tell("create /mt/hers", zoo_create(handle, "/mt/hers", "x", 1, &only_ann, 0, NULL, 0));
    tell("get it", zoo_get(handle, "/mt/hers", 0, data, &length, &stat));
    tell("its ACL", zoo_get_acl(handle, "/mt/hers", &found, &stat));
    tell("set the ACL of /mt/m to read only", zoo_set_acl(handle, "/mt/m", -1, &ZOO_READ_ACL_UNSAFE));
    tell("set /mt/m", zoo_set(handle, "/mt/m", "3", 1, -1));
    tell("an invalid ACL", zoo_set_acl(handle, "/mt/m", -1, &(struct ACL_vector){0, NULL}));
    tell("delete /mt/hers", zoo_delete(handle, "/mt/hers", -1));
}

static int port_of_server(zhandle_t *handle)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (zookeeper_get_connected_host(handle, (struct sockaddr *)&address, &length) == NULL) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

static void lose_server(zhandle_t *handle)
{
    struct Stat stat;
    char line[64];
    int64_t session = zoo_client_id(handle)->client_id;
    int connects = seen.connects;
    int before = seen.fired;
    tell("watch /mt", zoo_wexists(handle, "/mt", watcher, NULL, &stat));
    fprintf(stderr, "take my server away %d\n", port_of_server(handle));
    if (fgets(line, sizeof line, stdin) == NULL) {
        exit(1);
    }
    await(&seen.connects, connects + 1);
    printf("connected again, the same session: %d\n", zoo_client_id(handle)->client_id == session);
    tell("an ephemeral is still there", zoo_exists(handle, "/mt/e-0000000000", 0, &stat));
    tell("set /mt", zoo_set(handle, "/mt", "newer", 5, -1));
    show_watch("the watch was set again", before);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "Usage: mt_client CONNECT_STRING\n");
        return 2;
    }
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    zhandle_t *handle = zookeeper_init(argv[1], watcher, 10000, NULL, NULL, 0);
    if (handle == NULL) {
        perror("zookeeper_init");
        return 1;
    }
    await(&seen.connects, 1);
    make_znodes(handle);
    use_watches(handle);
    use_multi(handle);
    use_acl(handle);
    lose_server(handle);
    tell("close", zookeeper_close(handle));
    return 0;
}
