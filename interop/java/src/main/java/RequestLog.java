import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Set;
import java.util.TreeSet;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;

/**
 * Sees each request as it is sent. With -Dinterop.log=FILE it writes down target, content type and body in hex: that is where
 * the requests in packages/local/test/service/codec.test.ts come from.
 */
final class RequestLog implements ExecutionInterceptor {
  private static final String FILE = System.getProperty("interop.log");

  final Set<String> contentTypes = new TreeSet<>();

  @Override
  public void beforeTransmission(Context.BeforeTransmission context, ExecutionAttributes attributes) {
    var request = context.httpRequest();
    var contentType = request.firstMatchingHeader("Content-Type").orElse("none");
    contentTypes.add(contentType);
    if (FILE == null || context.requestBody().isEmpty()) return;
    try (var body = context.requestBody().get().contentStreamProvider().newStream()) {
      var bytes = body.readAllBytes();
      if (bytes.length > 4096) return;
      var line = request.firstMatchingHeader("X-Amz-Target").orElse("none") + " " + contentType + " "
          + HexFormat.of().formatHex(bytes) + "\n";
      Files.writeString(Path.of(FILE), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (java.io.IOException problem) {
      throw new java.io.UncheckedIOException(problem);
    }
  }
}
