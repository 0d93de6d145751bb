/* CuratorProgram -- What an application with Apache Curator does: CuratorProgram CONNECT_STRING
 *
 * A mutex, a leader latch, a cache, a counter, a persistent ephemeral znode and a transaction, each with several clients; then the server of the first
 * one is taken away, and all goes on elsewhere. Prints what it sees, in an order that does not depend on chance, and waits at
 * "take my server away PORT" until a line comes on stdin. What it prints is the same on any ZooKeeper.
 */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.data.Stat;

public final class CuratorProgram {
    private static final int CLIENTS = 3;
    private static final long PATIENCE_SECONDS = 60;
    private static final List<CuratorFramework> clients = new ArrayList<>();

    private static void say(String line) {
        System.out.println(line);
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!condition.call()) {
            if (System.nanoTime() > end) {
                say(what + ": it did not come true");
                return;
            }
            Thread.sleep(10);
        }
        say(what);
    }

    /* On every client at once; the results in the order of the clients. */
    private interface Task {
        Object run(CuratorFramework client, int number) throws Exception;
    }

    private static List<Object> everywhere(Task task) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
        List<Future<Object>> futures = new ArrayList<>();
        List<Object> results = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            final int number = i;
            futures.add(threads.submit(() -> task.run(clients.get(number), number)));
        }
        for (Future<Object> future : futures) {
            results.add(future.get(2 * PATIENCE_SECONDS, TimeUnit.SECONDS));
        }
        threads.shutdown();
        return results;
    }

    private static void useMutex(String path) throws Exception {
        AtomicInteger holders = new AtomicInteger(), most = new AtomicInteger(), held = new AtomicInteger();
        everywhere((client, number) -> {
            InterProcessMutex mutex = new InterProcessMutex(client, path);
            for (int i = 0; i < 10; i++) {
                mutex.acquire();
                mutex.acquire(); // it is reentrant
                most.accumulateAndGet(holders.incrementAndGet(), Math::max);
                held.incrementAndGet();
                Thread.sleep(1);
                holders.decrementAndGet();
                mutex.release();
                mutex.release();
            }
            return null;
        });
        say("mutex: held " + held + " times, by at most " + most + " at once, waiting: " + clients.get(0).getChildren().forPath(path).size());
    }

    private static void useOtherLocks() throws Exception {
        InterProcessReadWriteLock first = new InterProcessReadWriteLock(clients.get(0), "/curator/rw");
        InterProcessReadWriteLock second = new InterProcessReadWriteLock(clients.get(1), "/curator/rw");
        first.readLock().acquire();
        say("a second reader: " + second.readLock().acquire(5, TimeUnit.SECONDS));
        InterProcessReadWriteLock third = new InterProcessReadWriteLock(clients.get(2), "/curator/rw");
        say("a writer meanwhile: " + third.writeLock().acquire(200, TimeUnit.MILLISECONDS));
        first.readLock().release();
        second.readLock().release();
        say("a writer alone: " + third.writeLock().acquire(5, TimeUnit.SECONDS));
        third.writeLock().release();
        AtomicInteger inside = new AtomicInteger(), most = new AtomicInteger();
        everywhere((client, number) -> {
            InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(client, "/curator/semaphore", 2);
            for (int i = 0; i < 5; i++) {
                var lease = semaphore.acquire();
                most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                Thread.sleep(2);
                inside.decrementAndGet();
                semaphore.returnLease(lease);
            }
            return null;
        });
        say("semaphore of 2: no more inside: " + (most.get() <= 2));
    }

    private static void useCounter() throws Exception {
        everywhere((client, number) -> {
            DistributedAtomicLong counter = new DistributedAtomicLong(client, "/curator/counter", new ExponentialBackoffRetry(5, 20));
            for (int i = 0; i < 10; i++) {
                while (!counter.increment().succeeded()) {
                    Thread.sleep(1);
                }
            }
            return null;
        });
        say("counter: " + new DistributedAtomicLong(clients.get(1), "/curator/counter", new ExponentialBackoffRetry(5, 20)).get().postValue());
    }

    private static void useQueue() throws Exception {
        SimpleDistributedQueue queue = new SimpleDistributedQueue(clients.get(0), "/curator/queue");
        for (int i = 0; i < 9; i++) {
            queue.offer(("item " + i).getBytes());
        }
        ConcurrentSkipListSet<String> taken = new ConcurrentSkipListSet<>();
        everywhere((client, number) -> {
            SimpleDistributedQueue own = new SimpleDistributedQueue(client, "/curator/queue");
            for (int i = 0; i < 3; i++) {
                taken.add(new String(own.take()));
            }
            return null;
        });
        say("queue: " + taken);
    }

    private static void useTransaction() throws Exception {
        CuratorFramework client = clients.get(0);
        List<CuratorTransactionResult> results = client.transaction().forOperations(
            client.transactionOp().create().forPath("/curator/t", "1".getBytes()),
            client.transactionOp().setData().withVersion(0).forPath("/curator/t", "2".getBytes()),
            client.transactionOp().check().withVersion(1).forPath("/curator/t"),
            client.transactionOp().create().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath("/curator/t-"));
        for (CuratorTransactionResult result : results) {
            say("transaction: " + result.getType() + " " + result.getForPath() + " " + result.getResultPath());
        }
        try {
            client.transaction().forOperations(client.transactionOp().delete().forPath("/curator/t"),
                                               client.transactionOp().check().withVersion(7).forPath("/curator"),
                                               client.transactionOp().create().forPath("/curator/t2"));
        } catch (KeeperException failure) {
            for (OpResult result : failure.getResults()) {
                say("transaction: " + failure.code() + ", a part " + ((OpResult.ErrorResult)result).getErr());
            }
        }
        say("still there: " + new String(client.getData().forPath("/curator/t")));
    }

    private static void useCache() throws Exception {
        CuratorFramework writer = clients.get(0);
        ConcurrentSkipListSet<String> events = new ConcurrentSkipListSet<>();
        CuratorCache cache = CuratorCache.build(clients.get(1), "/curator/cache");
        CountDownLatch ready = new CountDownLatch(1);
        writer.create().creatingParentsIfNeeded().forPath("/curator/cache/a", "0".getBytes());
        cache.listenable().addListener(new org.apache.curator.framework.recipes.cache.CuratorCacheListener() {
            @Override
            public void event(Type type, org.apache.curator.framework.recipes.cache.ChildData before,
                              org.apache.curator.framework.recipes.cache.ChildData after) {
                events.add(type + " " + (after != null ? after : before).getPath() + " " + new String((after != null ? after : before).getData()));
            }

            @Override
            public void initialized() {
                ready.countDown();
            }
        });
        cache.start();
        say("cache is filled: " + ready.await(PATIENCE_SECONDS, TimeUnit.SECONDS));
        writer.setData().forPath("/curator/cache/a", "1".getBytes());
        await("cache: a change", () -> events.contains("NODE_CHANGED /curator/cache/a 1"));
        writer.create().forPath("/curator/cache/a/b", "x".getBytes());
        await("cache: a grandchild", () -> cache.get("/curator/cache/a/b").isPresent());
        writer.delete().deletingChildrenIfNeeded().forPath("/curator/cache/a");
        await("cache: all is gone", () -> cache.size() == 1);
        await("cache: and told", () -> events.contains("NODE_DELETED /curator/cache/a 1"));
        events.removeIf(event -> event.contains("/curator/cache "));
        say("cache: " + events);
        cache.close();
    }

    private static int participants() throws Exception {
        Stat stat = clients.get(0).checkExists().forPath("/curator/latch");
        return stat == null ? 0 : stat.getNumChildren();
    }

    /* Leaders, one after the other; the last of them keeps it. */
    private static LeaderLatch useLatch() throws Exception {
        List<LeaderLatch> latches = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            LeaderLatch latch = new LeaderLatch(clients.get(i), "/curator/latch", "participant " + i);
            latch.start();
            latches.add(latch);
            final int count = i + 1;
            await("participants: " + count, () -> participants() == count);
        }
        latches.get(0).await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        say("leader: " + latches.get(2).getLeader().getId());
        for (int i = 0; i < CLIENTS - 1; i++) {
            latches.get(i).close();
            final LeaderLatch next = latches.get(i + 1);
            await("the next leads", next::hasLeadership);
        }
        say("leader: " + latches.get(2).getLeader().getId());
        return latches.get(2);
    }

    private static void loseServer(LeaderLatch latch) throws Exception {
        CuratorFramework client = clients.get(2);
        PersistentNode node = new PersistentNode(client, CreateMode.EPHEMERAL, false, "/curator/here", "me".getBytes());
        node.start();
        node.waitForInitialCreate(PATIENCE_SECONDS, TimeUnit.SECONDS);
        long session = client.getZookeeperClient().getZooKeeper().getSessionId();
        AtomicInteger events = new AtomicInteger();
        client.getData().usingWatcher((org.apache.curator.framework.api.CuratorWatcher)event -> {
            if (event.getPath() != null) {
                events.incrementAndGet();
            }
        }).forPath("/curator/t");
        CountDownLatch again = new CountDownLatch(1);
        CountDownLatch lost = new CountDownLatch(1);
        client.getConnectionStateListenable().addListener((of, state) -> {
            if (state == org.apache.curator.framework.state.ConnectionState.SUSPENDED) {
                lost.countDown();
            } else if (state == org.apache.curator.framework.state.ConnectionState.RECONNECTED) {
                again.countDown();
            }
        });
        String where = client.getZookeeperClient().getZooKeeper().toString();
        System.err.println("take my server away " + where.replaceAll("(?s).*remoteserver:[^ ]*:(\\d+) .*", "$1"));
        new BufferedReader(new InputStreamReader(System.in)).readLine();
        say("suspended: " + lost.await(PATIENCE_SECONDS, TimeUnit.SECONDS));
        say("connected again: " + again.await(PATIENCE_SECONDS, TimeUnit.SECONDS));
        say("the same session: " + (client.getZookeeperClient().getZooKeeper().getSessionId() == session));
        Stat stat = client.checkExists().forPath("/curator/here");
        say("the ephemeral is still there: " + (stat != null && stat.getEphemeralOwner() == session));
        client.setData().forPath("/curator/t", "3".getBytes());
        await("the watch was set again", () -> events.get() == 1);
        await("it leads again", latch::hasLeadership);
        useMutex("/curator/mutex-later");
        node.close();
        await("the ephemeral is gone", () -> client.checkExists().forPath("/curator/here") == null);
    }

    public static void main(String[] arguments) throws Exception {
        for (int i = 0; i < CLIENTS; i++) {
            CuratorFramework client = CuratorFrameworkFactory.builder().connectString(arguments[0]).sessionTimeoutMs(10000)
                .connectionTimeoutMs(15000).retryPolicy(new ExponentialBackoffRetry(50, 20)).build();
            client.start();
            client.blockUntilConnected();
            clients.add(client);
        }
        clients.get(0).create().forPath("/curator", new byte[0]);
        useMutex("/curator/mutex");
        useOtherLocks();
        useCounter();
        useQueue();
        useTransaction();
        useCache();
        LeaderLatch latch = useLatch();
        loseServer(latch);
        latch.close();
        say("left: " + new TreeSet<>(clients.get(0).getChildren().forPath("/curator")));
        for (CuratorFramework client : clients) {
            client.close();
        }
    }
}
