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
 * A JVM that waits: reads, from the pipe of the given name, files, classes and the name of the one that has main, and becomes
 * that program. Nothing of this is on the program's stack: its thread is of a hidden class. Before it waits it becomes another
 * program in the same way, so that it has loaded what that takes; without a pipe, that is all.
 */
public final class Running {
    private static final File CLASSES = new File(".classes");

    private final MethodHandles.Lookup lookup = MethodHandles.lookup();
    private final MethodHandle createThread;

    private Running() throws IOException, ReflectiveOperationException {
        try (InputStream in = Running.class.getResourceAsStream("Program.class")) {
            Class<?> hidden = lookup.defineHiddenClass(in.readAllBytes(), true).lookupClass();
            MethodType parameters = MethodType.methodType(void.class, MethodHandle.class, String[].class, boolean[].class);
            createThread = lookup.findConstructor(hidden, parameters);
        }
    }

    public static void main(String[] args) throws Throwable {
        Running running = new Running();
        running.become(new File(args[0]));
        clear(CLASSES);
        if (args.length == 1) return;
        // The little room that there is for new objects was used up by the rehearsal: what comes finds it empty.
        System.gc();

        if (running.become(new File(args[1]))) return;
        // What the JVM makes of a main thread that threw, whose trace was written already: it ends with 1, after all others.
        Thread.currentThread().setUncaughtExceptionHandler((thread, error) -> {});
        throw new Error();
    }

    /** Whether main returned. */
    private boolean become(File message) throws Throwable {
        String entry;
        String[] args;
        String[] command;
        try (InputStream in = new BufferedInputStream(new FileInputStream(message))) {
            Parts parts = new Parts(in);
            parts.files();
            entry = parts.text();
            args = parts.texts();
            command = parts.texts();
            extract(in.readAllBytes(), CLASSES);
        }
        if (!message.isFile()) message.delete();
        System.setProperty("sun.java.command", String.join(" ", concat(entry, args)));

        Method main = find(entry);
        if (main == null) System.exit(fresh(command));
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

    /** Null where the JVM's own launcher would do something else than call it: complain, or make an object first. */
    private static Method find(String entry) {
        try {
            Class<?> type = Class.forName(entry, false, ClassLoader.getSystemClassLoader());
            Method main = type.getMethod("main", String[].class);
            main.setAccessible(true);
            boolean isPlain = Modifier.isStatic(main.getModifiers()) && main.getReturnType() == void.class;
            return isPlain ? main : null;
        } catch (ReflectiveOperationException | LinkageError unusual) {
            return null;
        }
    }

    /** As if nobody had waited. */
    private static int fresh(String[] command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).inheritIO().start().waitFor();
    }

    private static List<String> concat(String first, String[] others) {
        List<String> all = new ArrayList<>(List.of(others));
        all.add(0, first);
        return all;
    }

    private static final int BLOCK = 512;

    /** Regular files of a tar archive as GNU's tar makes it, with names of any length. */
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
                    Parts.write(new File(directory, name), bytes);
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
