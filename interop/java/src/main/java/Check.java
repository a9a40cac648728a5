import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.net.URL;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;

/** Runs checks, and what they have in common. */
final class Check {
  interface Action {
    void run() throws Exception;
  }

  /** Prints the line of one check. What goes wrong with it keeps no other from running. */
  static void that(String name, Action action) {
    try {
      action.run();
      System.out.println("ok " + name);
    } catch (Exception | AssertionError problem) {
      System.out.println("FAILED " + name + ": " + problem.toString().replaceAll("\\s+", " "));
    }
  }

  static void equal(Object actual, Object expected) {
    if (!Objects.equals(actual, expected)) throw new AssertionError(actual + " instead of " + expected);
  }

  static void isTrue(boolean holds, Object found) {
    if (!holds) throw new AssertionError(String.valueOf(found));
  }

  static void isRecent(Instant moment) {
    var age = Duration.between(moment, Instant.now()).abs();
    isTrue(age.compareTo(Duration.ofMinutes(1)) < 0, moment + " is not within a minute of now");
  }

  /** The error of the call, which must be of exactly this class. */
  static <E extends Exception> E error(Class<E> expected, Action call) {
    try {
      call.run();
    } catch (Exception error) {
      // The asynchronous client wraps what went wrong.
      var cause = error instanceof java.util.concurrent.ExecutionException ? error.getCause() : error;
      if (cause.getClass() == expected) return expected.cast(cause);
      throw new AssertionError(cause + " instead of a " + expected.getSimpleName());
    }
    throw new AssertionError("no error instead of a " + expected.getSimpleName());
  }

  static URI kinesis() {
    return URI.create(System.getenv("AWS_ENDPOINT_URL_KINESIS"));
  }

  static URI dynamodb() {
    return URI.create(System.getenv("AWS_ENDPOINT_URL_DYNAMODB"));
  }

  static void expireIterators() throws Exception {
    var url = new URL(kinesis() + "/_millrace/expire-iterators");
    var connection = (HttpURLConnection) url.openConnection(Proxy.NO_PROXY);
    connection.setRequestMethod("POST");
    equal(connection.getResponseCode(), 200);
  }

  /** Every byte there is, so that no text encoding survives it by chance. */
  static byte[] everyByte() {
    var bytes = new byte[256];
    for (int index = 0; index < bytes.length; index++) bytes[index] = (byte) index;
    return bytes;
  }

  private Check() {}
}
