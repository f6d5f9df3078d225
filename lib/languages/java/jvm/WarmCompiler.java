package space.chill.runner;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/**
 * A warm compiler: compiles a file a number of times, and then once the program on stdin, unless it
 * is started only to be archived.
 */
public final class WarmCompiler {
    public static void main(String[] args) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        Path warmUp = Path.of(args[0]);
        Path output = Files.createTempDirectory("warm-up");
        for (int round = Integer.parseInt(args[1]); round > 0; round -= 1) {
            ByteArrayOutputStream errors = new ByteArrayOutputStream();
            String[] options = {"-encoding", "UTF-8", "-proc:none", "-d", output.toString(), warmUp.toString()};
            if (compiler.run(null, null, errors, options) != 0) throw new IOException(errors.toString());
        }
        try (var classes = Files.list(output)) {
            for (Path file : classes.toList()) Files.delete(file);
        }
        Files.delete(output);
        if (args.length > 2) return;
        System.gc();

        MessageReader message = new MessageReader(System.in);
        message.writeFiles();
        int code = compiler.run(null, null, null, message.readTexts());
        System.err.flush();
        Runtime.getRuntime().halt(code);
    }
}
