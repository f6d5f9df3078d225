package space.chill.runner;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Writes regular files as an archive of GNU tar, with names of any length. */
final class TarWriter {
    private static final int BLOCK = 512;
    private static final int NAME_BYTES = 100;
    /** The archive ends with two empty blocks. */
    private static final int END_BYTES = 2 * BLOCK;

    private final OutputStream out;

    TarWriter(OutputStream out) {
        this.out = out;
    }

    long sizeOf(File directory, List<File> files) {
        long size = END_BYTES;
        for (File file : files) {
            int name = nameIn(directory, file).length;
            if (name > NAME_BYTES) size += BLOCK + padded(name + 1);
            size += BLOCK + padded(file.length());
        }
        return size;
    }

    void write(File directory, List<File> files) throws IOException {
        for (File file : files) {
            byte[] name = nameIn(directory, file);
            if (name.length > NAME_BYTES) {
                byte[] longName = Arrays.copyOf(name, (int) padded(name.length + 1));
                writeHeader("././@LongLink".getBytes(StandardCharsets.US_ASCII), name.length + 1, 'L');
                out.write(longName);
            }
            long size = file.length();
            writeHeader(Arrays.copyOf(name, Math.min(name.length, NAME_BYTES)), size, '0');
            try (InputStream in = new FileInputStream(file)) {
                if (in.transferTo(out) != size) throw new IOException("a class file has changed");
            }
            out.write(new byte[(int) (padded(size) - size)]);
        }
        out.write(new byte[END_BYTES]);
    }

    private void writeHeader(byte[] name, long size, char type) throws IOException {
        byte[] header = new byte[BLOCK];
        System.arraycopy(name, 0, header, 0, name.length);
        put(header, 100, octal(0644, 7));
        put(header, 108, octal(0, 7));
        put(header, 116, octal(0, 7));
        put(header, 124, octal(size, 11));
        put(header, 136, octal(0, 11));
        // The sum counts its own field as spaces.
        Arrays.fill(header, 148, 156, (byte) ' ');
        header[156] = (byte) type;
        put(header, 257, "ustar  ");
        int sum = 0;
        for (byte value : header) sum += value & 0xff;
        put(header, 148, octal(sum, 6) + "\0 ");
        out.write(header);
    }

    private static byte[] nameIn(File directory, File file) {
        return file.getPath().substring(directory.getPath().length() + 1).getBytes(StandardCharsets.UTF_8);
    }

    private static String octal(long value, int digits) {
        String text = Long.toOctalString(value);
        return "0".repeat(digits - text.length()) + text;
    }

    private static void put(byte[] header, int at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, header, at, bytes.length);
    }

    private static long padded(long size) {
        return (size + BLOCK - 1) / BLOCK * BLOCK;
    }
}
