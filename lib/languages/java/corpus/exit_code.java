package shop.till;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;

public class Till {
    public static void main(String... args) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in));
        System.out.println(String.join("+", args) + " " + in.readLine());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("closed")));
        new Thread(() -> {
            try {
                Thread.sleep(60_000);
            } catch (InterruptedException stopped) {
                System.out.println("interrupted");
            }
        }).start();
        System.exit(args.length + 40);
    }
}
