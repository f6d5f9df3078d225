import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Scanner;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Uses most of the language: javac then has the classes for it loaded. */
public class WarmUp {
    enum Color { RED, GREEN }

    record Point(int x, double y) {
        Point {
            if (x < 0) throw new IllegalArgumentException("negative: " + x);
        }
    }

    sealed interface Shape permits Circle, Square {
        double area();
    }

    record Circle(double radius) implements Shape {
        public double area() {
            return Math.PI * radius * radius;
        }
    }

    record Square(double side) implements Shape {
        @Override
        public double area() {
            return side * side;
        }
    }

    static abstract class Animal implements Comparable<Animal> {
        protected final String name;
        private static int count = 0;

        Animal(String name) {
            this.name = name;
            count++;
        }

        abstract String sound();

        public int compareTo(Animal other) {
            return name.compareTo(other.name);
        }
    }

    static <T extends Comparable<? super T>> Optional<T> greatest(List<? extends T> list) {
        T found = null;
        for (T item : list) if (found == null || item.compareTo(found) > 0) found = item;
        return Optional.ofNullable(found);
    }

    static int sum(int... numbers) {
        int total = 0;
        for (int i = 0; i < numbers.length; ++i) total += numbers[i] % 2 == 0 ? numbers[i] : -numbers[i];
        return total;
    }

    public static void main(String[] args) throws IOException {
        Map<String, List<Integer>> map = new HashMap<>();
        map.computeIfAbsent("a", key -> new ArrayList<>()).add(sum(1, 2, 3));
        var numbers = IntStream.rangeClosed(1, 5).boxed().map(n -> n * n).collect(Collectors.toList());
        Function<Integer, String> show = Integer::toBinaryString;
        int[][] grid = new int[3][4];
        outer:
        for (int[] row : grid) {
            for (int cell : row) if (cell != 0) break outer;
            Arrays.fill(row, 7);
        }
        String text = """
            a block
              of text""";
        long bits = (1L << 40) ^ 0xffL | ~3 & 'c';
        String kind = switch (Color.values()[args.length % 2]) {
            case RED -> "red";
            case GREEN -> {
                String green = "gr" + "een";
                yield green;
            }
        };
        Object object = numbers;
        if (object instanceof List<?> list && !list.isEmpty()) System.out.println(list.get(0));
        Animal dog = new Animal("dog") {
            @Override
            String sound() {
                return name + " barks";
            }
        };
        Thread thread = new Thread(() -> System.out.println(dog.sound()));
        synchronized (map) {
            thread.start();
        }
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(System.in))) {
            String line;
            while ((line = reader.readLine()) != null) System.out.printf("%s %d%n", line, bits);
        } catch (IllegalStateException | UnsupportedOperationException error) {
            throw new RuntimeException(error);
        } finally {
            System.err.println(kind + text + greatest(numbers).map(show).orElse("none"));
        }
        do {
            bits >>>= 1;
        } while (bits > 0);
        Scanner scanner = new Scanner(System.in);
        if (scanner.hasNextInt()) System.exit(scanner.nextInt());
        assert new Circle(1).area() > new Square(1).area() : "round";
    }
}
