package space.chill.runner;

import java.io.DataInputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** What a waiting JVM is told: byte strings, each after its length. Nothing is read ahead. */
final class Parts {
    private final DataInputStream in;

    Parts(InputStream in) {
        this.in = new DataInputStream(in);
    }

    byte[] bytes() throws IOException {
        return in.readNBytes(in.readInt());
    }

    String text() throws IOException {
        return new String(bytes(), StandardCharsets.UTF_8);
    }

    /** A number of texts, and then those. */
    String[] texts() throws IOException {
        String[] texts = new String[in.readInt()];
        for (int index = 0; index < texts.length; index += 1) texts[index] = text();
        return texts;
    }

    /** A number of files, each a name and its content; they are put where they belong. */
    void files() throws IOException {
        for (int count = in.readInt(); count > 0; count -= 1) write(new File(text()), bytes());
    }

    /** Without channels, for which a JVM opens descriptors that it keeps. */
    static void write(File file, byte[] content) throws IOException {
        if (file.getParentFile() != null) file.getParentFile().mkdirs();
        try (FileOutputStream out = new FileOutputStream(file)) {
            out.write(content);
        }
    }
}
