import java.io.InputStream;
import java.util.Arrays;

/** What a program can tell about how it was started. */
class Program {
    static int depth(int at) {
        try {
            return depth(at + 1);
        } catch (StackOverflowError error) {
            return at;
        }
    }

    public static void main(String[] args) throws Exception {
        Thread self = Thread.currentThread();
        System.out.println(self.getName() + " " + self.getPriority() + " " + self.isDaemon() + " " + Thread.activeCount());
        System.out.println(self.getThreadGroup().getName() + " " + self.getContextClassLoader().getClass().getSimpleName());
        System.out.println(Arrays.toString(Arrays.stream(self.getStackTrace()).map(StackTraceElement::getMethodName).toArray()));
        new Exception("here").printStackTrace(System.out);
        StackWalker.getInstance().forEach(frame -> System.out.println(frame.getMethodName()));
        System.out.println(Program.class.getClassLoader() == ClassLoader.getSystemClassLoader());
        System.out.println(System.getProperty("java.class.path") + " " + System.getProperty("user.dir") + " " + System.getProperty("sun.java.command"));
        try (InputStream in = Program.class.getResourceAsStream("data/words.txt")) {
            System.out.print(new String(in.readAllBytes(), "UTF-8"));
        }
        System.out.println(Program.class.getResource("Program.class").getPath());
        System.out.println(depth(0) > 1_000);
        System.out.println(Class.forName("WarmRunner").getMethod("twice", int.class).invoke(null, 21));
        String[] names = new java.io.File(".").list();
        Arrays.sort(names);
        System.out.println(Arrays.toString(names));
    }
}

class WarmRunner {
    public static int twice(int number) {
        return 2 * number;
    }
}
