package space.chill.runner;

public class CompileService {
    public static void main(String[] args) throws Exception {
        System.out.println("main of the program " + new MessageReader().text());
    }
}

class MessageReader {
    String text() {
        return "and its reader";
    }
}
