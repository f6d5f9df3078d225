import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

public class Library {
    public static void main(String[] args) throws Exception {
        System.out.println(BigInteger.TWO.pow(200));
        var words = List.of("pear", "fig", "apple");
        System.out.println(words.stream().sorted().collect(Collectors.joining(",")));
        Map<Integer, List<String>> byLength = new TreeMap<>(words.stream().collect(Collectors.groupingBy(String::length)));
        System.out.println(byLength);
        var total = new AtomicInteger();
        var pool = Executors.newFixedThreadPool(4);
        for (int i = 0; i < 100; i++) pool.submit(total::incrementAndGet);
        pool.shutdown();
        pool.awaitTermination(5, TimeUnit.SECONDS);
        System.out.println(total.get() + " " + IntStream.range(0, 1000).parallel().sum());
        System.out.println(LocalDate.of(2024, 2, 29).plusYears(1) + " " + Duration.ofMinutes(90));
        Path file = Files.createTempFile("kept", ".txt");
        Files.writeString(file, "kept");
        System.out.println(Files.readString(file) + " " + Files.readString(Path.of("data.txt")).strip());
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 10; i++) threads.add(new Thread(() -> {}));
        threads.forEach(Thread::start);
        for (var thread : threads) thread.join();
        System.exit(3);
    }
}
