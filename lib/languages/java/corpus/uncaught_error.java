import java.util.List;

public class Uncaught {
    static class Broken extends Exception {
        Broken(String message, Throwable cause) {
            super(message, cause);
        }
    }

    public static void main(String[] args) throws Exception {
        Thread other = new Thread(() -> {
            try {
                Thread.sleep(100);
            } catch (InterruptedException never) {
                throw new AssertionError(never);
            }
            System.out.println("the other goes on");
        });
        other.start();
        try {
            List.of(1, 0).forEach(number -> System.out.println(6 / number));
        } catch (ArithmeticException error) {
            Broken broken = new Broken("no good", error);
            broken.addSuppressed(new IllegalStateException("beside"));
            throw broken;
        }
    }
}
