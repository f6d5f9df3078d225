package space.chill.runner;

import java.io.DataInputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * Reads the message to a warm JVM (`length-prefixed.ts`): byte strings, each after its length. It
 * never reads ahead.
 */
final class MessageReader {
    private final DataInputStream in;

    MessageReader(InputStream in) {
        this.in = new DataInputStream(in);
    }

    byte[] readBytes() throws IOException {
        return in.readNBytes(in.readInt());
    }

    int readLength() throws IOException {
        return in.readInt();
    }

    /** Throws at the end of the stream, so that a service ends with its host. */
    byte[] readExactly(int length) throws IOException {
        byte[] bytes = new byte[length];
        in.readFully(bytes);
        return bytes;
    }

    String readText() throws IOException {
        return new String(readBytes(), StandardCharsets.UTF_8);
    }

    /** Reads a number of texts, and then those. */
    String[] readTexts() throws IOException {
        String[] texts = new String[in.readInt()];
        for (int index = 0; index < texts.length; index += 1) texts[index] = readText();
        return texts;
    }

    /** Reads a number of files, each a name and its content, and writes them. */
    void writeFiles() throws IOException {
        for (int count = in.readInt(); count > 0; count -= 1) write(new File(readText()), readBytes());
    }

    /** Uses no channels: a JVM opens descriptors for those and keeps them. */
    static void write(File file, byte[] content) throws IOException {
        if (file.getParentFile() != null) file.getParentFile().mkdirs();
        try (FileOutputStream out = new FileOutputStream(file)) {
            out.write(content);
        }
    }
}
