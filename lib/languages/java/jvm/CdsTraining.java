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
 * Uses what most programs use. The archive then has its classes, and a waiting JVM has it ready. It
 * prints nothing and leaves nothing.
 */
final class CdsTraining {
    record Pair(String name, int count) {}

    private static final PrintStream NOWHERE = new PrintStream(OutputStream.nullOutputStream(), true);

    /** In the order in which programs need them; each takes some milliseconds. */
    static final List<Runnable> STEPS =
            List.of(new Concatenation(), new Input(), new Collections(), new Formats(), new Streams(), new Traces());

    private static final class Concatenation implements Runnable {
        @Override
        public void run() {
            int number = NOWHERE.hashCode();
            NOWHERE.println("counted " + number + ' ' + NOWHERE + 1L + 0.5 + true + null);
            NOWHERE.println(new StringBuilder("reversed").reverse().append(String.join("-", "a", "b")));
        }
    }

    private static final class Input implements Runnable {
        @Override
        public void run() {
            Scanner scanner = new Scanner(new ByteArrayInputStream("7 lines\nof text\n".getBytes()));
            scanner.nextInt();
            if (scanner.hasNext()) scanner.next();
            if (scanner.hasNextLine()) scanner.nextLine();
        }
    }

    private static final class Collections implements Runnable {
        @Override
        public void run() {
            List<Pair> pairs = new ArrayList<>();
            for (int index = 0; index < 7; index += 1) pairs.add(new Pair("none", index));
            Map<String, Integer> counts = new HashMap<>();
            for (Pair pair : pairs) counts.merge(pair.name(), pair.count(), Integer::sum);
            NOWHERE.println(pairs);
        }
    }

    private static final class Formats implements Runnable {
        @Override
        public void run() {
            NOWHERE.printf(Locale.ROOT, "%d %s %.2f %5x%n", 7, "text", 1.5, 255);
        }
    }

    private static final class Streams implements Runnable {
        @Override
        public void run() {
            List<Pair> pairs = List.of(new Pair("none", 3), new Pair("some", 2));
            NOWHERE.println(pairs.stream().filter(pair -> pair.count() > 2).map(Pair::name).sorted().collect(Collectors.joining(",")));
        }
    }

    private static final class Traces implements Runnable {
        @Override
        public void run() {
            ClassLoader.getSystemClassLoader().getResource("nothing");
            new RuntimeException("trained").printStackTrace(NOWHERE);
        }
    }

    private CdsTraining() {}
}
