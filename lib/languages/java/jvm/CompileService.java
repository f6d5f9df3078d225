package space.chill.runner;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/**
 * A compiler that serves many compilations, one after the other (`compile-response.ts`). It runs no
 * code of a source: annotation processing is off, and the class path is the emptied output. Each
 * compilation has a javac of its own, and finds the work directory empty.
 *
 * A request on stdin is 16 bytes that the response repeats, the bound of the messages, files, and
 * the arguments of javac. The response on stdout repeats the 16 bytes; the exit code, the messages
 * and the archive of the classes follow.
 */
public final class CompileService {
    private static final File WORK = new File(".");
    private static final File CLASSES = new File(".classes");
    private static final int NONCE_BYTES = 16;
    /** More than the bound, so that the host sees that there was more. */
    private static final int EXCESS_BYTES = 16;

    private final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();

    /** Compiles a file a number of times. Then it serves, unless it is started to be archived. */
    public static void main(String[] args) throws IOException {
        CompileService service = new CompileService();
        OutputStream responses = new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16);
        // Only responses go to stdout.
        System.setOut(System.err);
        for (int round = Integer.parseInt(args[1]); round > 0; round -= 1) service.warmUp(args[0]);
        if (args.length > 2) return;
        System.gc();
        try {
            service.serve(new MessageReader(System.in), new DataOutputStream(responses));
        } finally {
            // Without a wait for threads that a failed compilation may have left.
            Runtime.getRuntime().halt(1);
        }
    }

    private void warmUp(String source) throws IOException {
        CLASSES.mkdir();
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        int code = compiler.run(null, null, errors, "-encoding", "UTF-8", "-proc:none", "-d", CLASSES.getPath(), source);
        if (code != 0) throw new IOException(errors.toString());
        new TarWriter(OutputStream.nullOutputStream()).write(CLASSES, filesBelow(CLASSES));
        clear(CLASSES);
        CLASSES.delete();
    }

    private void serve(MessageReader requests, DataOutputStream responses) throws IOException {
        // The service is ready.
        responses.writeByte(0);
        responses.flush();
        while (true) {
            byte[] nonce = requests.readExactly(NONCE_BYTES);
            BoundedOutput messages = new BoundedOutput(requests.readLength() + EXCESS_BYTES);
            requests.writeFiles();
            CLASSES.mkdir();
            int code = compiler.run(null, null, messages, requests.readTexts());
            List<File> classes = code == 0 ? filesBelow(CLASSES) : List.of();
            responses.write(nonce);
            responses.writeInt(code);
            responses.writeInt(messages.size());
            messages.writeTo(responses);
            TarWriter archive = new TarWriter(responses);
            responses.writeLong(code == 0 ? archive.sizeOf(CLASSES, classes) : 0);
            if (code == 0) archive.write(CLASSES, classes);
            clear(WORK);
            if (WORK.list().length > 0) throw new IOException("the work directory cannot be emptied");
            responses.flush();
        }
    }

    private static List<File> filesBelow(File directory) {
        List<File> files = new ArrayList<>();
        for (File file : directory.listFiles()) {
            if (file.isDirectory()) files.addAll(filesBelow(file));
            else files.add(file);
        }
        return files;
    }

    private static void clear(File directory) {
        for (File file : directory.listFiles()) {
            if (file.isDirectory()) clear(file);
            file.delete();
        }
    }

    /** Keeps the first bytes, and drops the others. */
    private static final class BoundedOutput extends ByteArrayOutputStream {
        private final int limit;

        BoundedOutput(int limit) {
            this.limit = limit;
        }

        @Override
        public synchronized void write(int value) {
            if (count < limit) super.write(value);
        }

        @Override
        public synchronized void write(byte[] bytes, int offset, int length) {
            super.write(bytes, offset, Math.min(length, limit - count));
        }
    }
}
