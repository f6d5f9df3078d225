class Greeter {
    static String greet(String name) { return "Hello, " + name + "!"; }
}

public class Hello {
    public static void main(String[] args) {
        System.out.println(Greeter.greet("world"));
    }
}
