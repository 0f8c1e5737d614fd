import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import pub.dtm.client.barrier.BranchBarrier;
import pub.dtm.client.exception.FailureException;

/**
 * A service with accounts in a MariaDB that takes part in distributed transactions, and starts them, by the Java SDK of
 * DTM: Participants has what others call, Transfers what it starts.
 */
public final class Bank {
    static final ObjectMapper JSON = new ObjectMapper();

    private final Transfers transfers;
    private final Set<String> answered = ConcurrentHashMap.newKeySet(); // gids whose lost answer has been lost

    private Bank(Transfers transfers) {
        this.transfers = transfers;
    }

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(System.getenv("BANK_PORT"));
        Bank bank = new Bank(new Transfers(System.getenv("COORDINATOR"), "http://127.0.0.1:" + port));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/ready", exchange -> answer(exchange, 200, Map.of()));
        server.createContext("/start/saga", exchange -> bank.start(exchange, bank.transfers::startSaga));
        server.createContext("/start/tcc", exchange -> bank.start(exchange, bank.transfers::startTcc));
        Participants.WORK.forEach((path, work) -> server.createContext(path, exchange -> bank.takePart(exchange, work)));
        server.start();
    }

    interface Start {
        void run(JsonNode transfer, Consumer<String> tellGid) throws Exception;
    }

    /** Lets the test start a transaction. The answer tells its gid, and with what error the SDK's call ended. */
    private void start(HttpExchange exchange, Start start) throws IOException {
        Map<String, String> started = new TreeMap<>(Map.of("gid", "", "error", ""));
        try {
            start.run(JSON.readTree(exchange.getRequestBody()), gid -> started.put("gid", gid));
        } catch (Exception failure) {
            failure.printStackTrace();
            started.put("error", failure.toString());
        }
        answer(exchange, 200, started);
    }

    /** Notes the call and does the work behind the barrier. 409 refuses, 500 has the call repeated. */
    private void takePart(HttpExchange exchange, Participants.Work work) throws IOException {
        Map<String, String[]> call = new TreeMap<>();
        for (String parameter : exchange.getRequestURI().getQuery().split("&")) {
            String[] parts = parameter.split("=", 2);
            call.put(parts[0], new String[] {parts[1]});
        }
        try (Connection connection = connect()) {
            note(connection, call);
            JsonNode transfer = JSON.readTree(exchange.getRequestBody());
            new BranchBarrier(call).call(connection, barrier -> work.run(connection, transfer));
            if (transfer.get("answer_is_lost").asBoolean() && answered.add(call.get("gid")[0])) {
                throw new IOException("the answer is lost");
            }
            answer(exchange, 200, Map.of());
        } catch (FailureException refusal) {
            answer(exchange, 409, Map.of("error", refusal.toString()));
        } catch (Exception failure) {
            failure.printStackTrace();
            answer(exchange, 500, Map.of("error", failure.toString()));
        }
    }

    private static void note(Connection connection, Map<String, String[]> call) throws Exception {
        try (PreparedStatement insert = connection.prepareStatement(
                "insert into bank.call_log(gid, branch_id, op) values (?, ?, ?)")) {
            insert.setString(1, call.get("gid")[0]);
            insert.setString(2, call.get("branch_id")[0]);
            insert.setString(3, call.get("op")[0]);
            insert.executeUpdate();
        }
    }

    /** The SDK names the barrier's table without its database, so that is the one to be connected to. */
    private static Connection connect() throws Exception {
        return DriverManager.getConnection(
                "jdbc:mariadb://127.0.0.1:" + System.getenv("DATABASE_PORT") + "/dtm_barrier", "bank", "bank");
    }

    private static void answer(HttpExchange exchange, int status, Map<String, String> body) throws IOException {
        byte[] data = JSON.writeValueAsBytes(body);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, data.length);
        exchange.getResponseBody().write(data);
        exchange.close();
    }
}
