package space.chill.runner;

import java.io.ByteArrayInputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Scanner;
import java.util.stream.Collectors;

/**
 * Uses what most programs use, so that the archive has its classes. It prints nothing and leaves
 * nothing.
 */
public final class CdsTraining {
    record Pair(String name, int count) {}

    public static void main(String[] args) {
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream(), true);
        Scanner scanner = new Scanner(new ByteArrayInputStream("7 lines\nof text\n".getBytes()));
        int number = scanner.nextInt();
        List<Pair> pairs = new ArrayList<>();
        for (int index = 0; index < number; index += 1) pairs.add(new Pair(scanner.hasNext() ? scanner.next() : "none", index));
        Map<String, Integer> counts = new HashMap<>();
        for (Pair pair : pairs) counts.merge(pair.name(), pair.count(), Integer::sum);
        nowhere.println("counted " + counts.size() + ' ' + pairs.get(0) + 1L + 0.5 + true + null);
        nowhere.printf(Locale.ROOT, "%d %s %.2f %5x%n", number, pairs, 1.5, 255);
        nowhere.println(pairs.stream().filter(pair -> pair.count() > 2).map(Pair::name).sorted().collect(Collectors.joining(",")));
        nowhere.println(new StringBuilder("reversed").reverse().append(String.join("-", "a", "b")));
        ClassLoader.getSystemClassLoader().getResource("nothing");
        new RuntimeException("trained").printStackTrace(nowhere);
    }
}
