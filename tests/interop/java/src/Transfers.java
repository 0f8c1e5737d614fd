import com.fasterxml.jackson.databind.JsonNode;
import java.util.function.Consumer;
import pub.dtm.client.DtmClient;

/** Starts transactions by the SDK, which asks the coordinator for the gid. Each tells it as soon as it is known. */
final class Transfers {
    private final String bank;
    private final DtmClient client;

    Transfers(String coordinator, String bank) {
        this.bank = bank;
        this.client = new DtmClient(coordinator);
    }

    /** Hands the whole transaction over; from then on the coordinator calls. */
    void startSaga(JsonNode transfer, Consumer<String> tellGid) throws Exception {
        String gid = client.newSaga()
                .add(bank + "/saga/withdraw", bank + "/saga/undo-withdrawal", transfer)
                .add(bank + "/saga/deposit", bank + "/saga/undo-deposit", transfer)
                .submit();
        tellGid.accept(gid);
    }

    /** Calls each try itself. When the function ends well the coordinator calls the confirms, else the cancels. */
    void startTcc(JsonNode transfer, Consumer<String> tellGid) throws Exception {
        client.tccGlobalTransaction(tcc -> {
            tellGid.accept(tcc.getGid());
            tcc.callBranch(transfer, bank + "/tcc/try-withdrawal", bank + "/tcc/confirm-withdrawal",
                    bank + "/tcc/cancel-withdrawal");
            tcc.callBranch(transfer, bank + "/tcc/try-deposit", bank + "/tcc/confirm-deposit", bank + "/tcc/cancel-deposit");
        });
    }
}
