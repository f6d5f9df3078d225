import java.util.Set;
import javax.annotation.processing.*;
import javax.lang.model.element.TypeElement;

@SupportedAnnotationTypes("*")
public class Evil extends AbstractProcessor {
    static { System.out.println("the processor was loaded"); }
    @Override
    public boolean process(Set<? extends TypeElement> types, RoundEnvironment environment) {
        System.out.println("the processor ran");
        return false;
    }
    public static void main(String[] args) {}
}
