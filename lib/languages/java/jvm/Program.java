package space.chill.runner;

import java.lang.invoke.MethodHandle;

/** The thread of a program. Defined as a hidden class: frames of those are left out of stack traces. */
final class Program extends Thread {
    private final MethodHandle main;
    private final String[] args;
    private final boolean[] hasFailed;

    /** `hasFailed` has one element, which tells afterwards whether main threw. */
    Program(MethodHandle main, String[] args, boolean[] hasFailed) {
        // In a group of its own, so that it is alone in it, as a main thread is.
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
