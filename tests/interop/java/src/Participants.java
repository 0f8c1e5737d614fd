import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.util.Map;
import pub.dtm.client.exception.FailureException;

/** The work of each branch: what it changes on an account. */
final class Participants {
    interface Work {
        void run(Connection connection, JsonNode transfer) throws Exception;
    }

    static final Map<String, Work> WORK = Map.of(
            "/saga/withdraw",
            (connection, transfer) -> change(connection, transfer, "payer",
                    "balance = balance - :amount where name = :account and not closed and balance >= :amount"),
            "/saga/undo-withdrawal",
            (connection, transfer) -> change(connection, transfer, "payer",
                    "balance = balance + :amount where name = :account"),
            "/saga/deposit",
            (connection, transfer) -> change(connection, transfer, "payee",
                    "balance = balance + :amount where name = :account and not closed"),
            // The barrier of this SDK does not know a null compensation of a saga, so the statement must see by itself
            // that nothing was done.
            "/saga/undo-deposit",
            (connection, transfer) -> change(connection, transfer, "payee",
                    "balance = balance - if(closed, 0, :amount) where name = :account"),
            "/tcc/try-withdrawal",
            (connection, transfer) -> change(connection, transfer, "payer", "balance = balance - :amount, "
                    + "frozen = frozen + :amount where name = :account and not closed and balance >= :amount"),
            "/tcc/confirm-withdrawal",
            (connection, transfer) -> change(connection, transfer, "payer",
                    "frozen = frozen - :amount where name = :account"),
            "/tcc/cancel-withdrawal",
            (connection, transfer) -> change(connection, transfer, "payer",
                    "balance = balance + :amount, frozen = frozen - :amount where name = :account"),
            "/tcc/try-deposit",
            (connection, transfer) -> change(connection, transfer, "payee",
                    "frozen = frozen + :amount where name = :account and not closed"),
            "/tcc/confirm-deposit",
            (connection, transfer) -> change(connection, transfer, "payee",
                    "balance = balance + :amount, frozen = frozen - :amount where name = :account"),
            // A cancel whose try did nothing is kept away by the barrier.
            "/tcc/cancel-deposit",
            (connection, transfer) -> change(connection, transfer, "payee",
                    "frozen = frozen - :amount where name = :account"));

    private Participants() {}

    /**
     * Where it finds no account that is open and has enough, that is a refusal: the coordinator does not try again but
     * rolls back.
     */
    private static void change(Connection connection, JsonNode transfer, String account, String assignment)
            throws Exception {
        String statement = "update bank.account set "
                + assignment.replace(":amount", transfer.get("amount").asText()).replace(":account", "?");
        try (PreparedStatement update = connection.prepareStatement(statement)) {
            update.setString(1, transfer.get(account).asText());
            if (update.executeUpdate() == 0) {
                throw new FailureException("the account refuses");
            }
        }
    }
}
