package space.chill.runner;

import java.lang.invoke.MethodHandle;

/**
 * The thread of a program. It is defined as a hidden class, whose frames stack traces leave out.
 */
final class Program extends Thread {
    private final MethodHandle main;
    private final String[] args;
    private final boolean[] hasFailed;

    /** The one element of `hasFailed` becomes true if main throws. */
    Program(MethodHandle main, String[] args, boolean[] hasFailed) {
        // A main thread is alone in its group.
        super(new ThreadGroup(Thread.currentThread().getThreadGroup().getParent(), "main"), "main");
        this.main = main;
        this.args = args;
        this.hasFailed = hasFailed;
    }

    @Override
    public void run() {
        try {
            main.invokeExact(args);
        } catch (Throwable error) {
            hasFailed[0] = true;
            Program.<RuntimeException>raise(error);
        }
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void raise(Throwable error) throws T {
        throw (T) error;
    }
}
