package space.chill.runner;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/** A compiler that waits: compiles a file as often as it is told to, and then, once, what comes through stdin, if it may. */
public final class Compiling {
    public static void main(String[] args) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        Path warmUp = Path.of(args[0]);
        Path output = Files.createTempDirectory("warm-up");
        for (int round = Integer.parseInt(args[1]); round > 0; round -= 1) {
            ByteArrayOutputStream complaints = new ByteArrayOutputStream();
            String[] options = {"-encoding", "UTF-8", "-proc:none", "-d", output.toString(), warmUp.toString()};
            if (compiler.run(null, null, complaints, options) != 0) throw new IOException(complaints.toString());
        }
        try (var made = Files.list(output)) {
            for (Path file : made.toList()) Files.delete(file);
        }
        Files.delete(output);
        if (args.length > 2) return;
        System.gc();

        Parts parts = new Parts(System.in);
        parts.files();
        int code = compiler.run(null, null, null, parts.texts());
        System.err.flush();
        Runtime.getRuntime().halt(code);
    }
}
