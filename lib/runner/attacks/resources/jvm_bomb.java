import java.util.ArrayList;

public class Bomb {
    public static void main(String[] args) {
        var blocks = new ArrayList<byte[]>();
        while (true) {
            byte[] block = new byte[1_000_000];
            java.util.Arrays.fill(block, (byte) 1);
            blocks.add(block);
        }
    }
}
