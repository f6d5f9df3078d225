package org.example.deep;

import java.util.Scanner;

// class Decoy { public static void main(String[] args) {} }
record Point(int x, int y) {
    int sum() { return x + y; }
}

sealed interface Shape permits Circle, Square {}
record Circle(double r) implements Shape {}
record Square(double s) implements Shape {}

class 入口 {
    static final String TEXT = "class Fake { void main(";

    static class Inner {
        void main() { throw new IllegalStateException(); }
    }

    public static void main(String... args) {
        Scanner in = new Scanner(System.in);
        System.out.println(in.nextLine() + " " + new Point(40, 2).sum() + " " + String.join("|", args) + " é🦀");
        Shape shape = new Circle(1);
        if (shape instanceof Circle c) System.out.printf("%.2f%n", Math.PI * c.r());
        System.err.println("""
            text { block "quoted"
            """.strip());
    }
}
