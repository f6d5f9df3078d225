package space.chill.runner;

import java.io.BufferedInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A warm JVM. It reads files, classes and the name of the main class from a named pipe, and becomes
 * that program. The program's stack shows nothing of this, since its thread is of a hidden class.
 * Before it waits it runs an empty program in the same way, which loads the classes that this
 * needs. If no program comes for a while it trains for common ones: under load that would take
 * more than it saves. Without a pipe it trains and ends.
 */
public final class WarmRunner {
    private static final File CLASSES = new File(".classes");

    private final MethodHandles.Lookup lookup = MethodHandles.lookup();
    private final MethodHandle createThread;

    private WarmRunner() throws IOException, ReflectiveOperationException {
        try (InputStream in = WarmRunner.class.getResourceAsStream("Program.class")) {
            Class<?> hidden = lookup.defineHiddenClass(in.readAllBytes(), true).lookupClass();
            MethodType parameters = MethodType.methodType(void.class, MethodHandle.class, String[].class, boolean[].class);
            createThread = lookup.findConstructor(hidden, parameters);
        }
    }

    public static void main(String[] args) throws Throwable {
        WarmRunner runner = new WarmRunner();
        try (InputStream in = new FileInputStream(args[0])) {
            runner.become(in);
        }
        clear(CLASSES);
        if (args.length == 1) {
            for (Runnable step : CdsTraining.STEPS) step.run();
            return;
        }
        File pipe = new File(args[1]);
        InputStream in = new FileInputStream(pipe);
        pipe.delete();
        trainUntil(in);

        if (runner.become(in)) return;
        // As with a main thread that threw: the JVM ends with 1, after all other threads. The trace
        // is printed already.
        Thread.currentThread().setUncaughtExceptionHandler((thread, error) -> {});
        throw new Error();
    }

    private static final int QUIET_MS = 400;
    private static final int LOOK_EVERY_MS = 5;

    /** Trains once there was no program for a while, and stops when there is one. */
    private static void trainUntil(InputStream program) throws IOException, InterruptedException {
        for (int waited = 0; waited < QUIET_MS; waited += LOOK_EVERY_MS) {
            if (program.available() > 0) return;
            Thread.sleep(LOOK_EVERY_MS);
        }
        for (Runnable step : CdsTraining.STEPS) {
            if (program.available() > 0) return;
            step.run();
        }
        // Leaves the small young generation empty for the program.
        if (program.available() == 0) System.gc();
    }

    /** Returns whether main returned. */
    private boolean become(InputStream source) throws Throwable {
        String entry;
        String[] args;
        String[] coldCommand;
        try (InputStream in = new BufferedInputStream(source)) {
            MessageReader message = new MessageReader(in);
            message.writeFiles();
            entry = message.readText();
            args = message.readTexts();
            coldCommand = message.readTexts();
            extract(in.readAllBytes(), CLASSES);
        }
        System.setProperty("sun.java.command", String.join(" ", concat(entry, args)));

        Method main = find(entry);
        if (main == null) System.exit(runCold(coldCommand));
        boolean[] hasFailed = {false};
        Thread program = (Thread) createThread.invoke(lookup.unreflect(main), args, hasFailed);
        Thread.currentThread().setName("starter");
        program.start();
        program.join();
        return !hasFailed[0];
    }

    private static void clear(File directory) {
        for (File file : directory.listFiles()) {
            if (file.isDirectory()) clear(file);
            file.delete();
        }
    }

    /**
     * Null if the JVM's launcher would not simply call it, or not the same: it complains, or makes an
     * object first.
     */
    private static Method find(String entry) {
        try {
            Class<?> type = Class.forName(entry, false, ClassLoader.getSystemClassLoader());
            Method main = type.getMethod("main", String[].class);
            main.setAccessible(true);
            // A class with the name of one of these here would not be loaded.
            if (type.getClassLoader() != ClassLoader.getSystemClassLoader()) return null;
            boolean isPlain = Modifier.isStatic(main.getModifiers()) && main.getReturnType() == void.class;
            return isPlain ? main : null;
        } catch (ReflectiveOperationException | LinkageError unusual) {
            return null;
        }
    }

    /** Runs the program in a new JVM. */
    private static int runCold(String[] command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).inheritIO().start().waitFor();
    }

    private static List<String> concat(String first, String[] others) {
        List<String> all = new ArrayList<>(List.of(others));
        all.add(0, first);
        return all;
    }

    private static final int BLOCK = 512;

    /** Extracts the regular files of an archive that GNU tar made, with names of any length. */
    private static void extract(byte[] tar, File directory) throws IOException {
        String longName = null;
        for (int at = 0; at + BLOCK <= tar.length && tar[at] != 0; ) {
            int size = Integer.parseInt(field(tar, at + 124, 12).trim(), 8);
            int content = at + BLOCK;
            char type = (char) tar[at + 156];
            if (type == 'L') longName = field(tar, content, size);
            else {
                String name = longName != null ? longName : field(tar, at, 100);
                longName = null;
                if (type == '0') {
                    byte[] bytes = Arrays.copyOfRange(tar, content, content + size);
                    MessageReader.write(new File(directory, name), bytes);
                }
            }
            at = content + (size + BLOCK - 1) / BLOCK * BLOCK;
        }
    }

    private static String field(byte[] tar, int from, int length) {
        int end = from;
        while (end < from + length && tar[end] != 0) end += 1;
        return new String(tar, from, end - from, StandardCharsets.UTF_8);
    }
}
