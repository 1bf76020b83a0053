using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Tests.Models;
using Understudy.Torch;

namespace Understudy.Tests.Generation;

public sealed class ClassificationEngineTests : IDisposable
{
    private readonly ISequenceClassifier model = TinyClassifier.New("bert");

    public void Dispose() => model.Dispose();

    [Fact]
    public void A_text_has_the_same_logits_to_the_last_bit_alone_and_in_any_mix()
    {
        var requests = Requests(40);
        var alone = requests.Select(request => Logits(request).Single()).ToList();
        for (var mix = 0; mix < 50; mix++)
        {
            var random = new SeededRandom(mix);
            var order = random.Permutation(requests.Count).Take(1 + random.NextInt(requests.Count)).ToArray();
            using var engine = new InferenceEngine(model, new EngineOptions { PromptTokensPerStep = 16 + random.NextInt(300), QueueLimit = 1 + random.NextInt(50) });
            var found = engine.Run(order.Select(index => requests[index]), inOrder: true).Cast<ClassificationResult>().Select(result => result.Logits).ToList();
            Assert.Equal(order.Select(index => alone[index]), found);
        }
    }

    [Fact]
    public void Logits_are_those_of_the_model_packed_or_padded()
    {
        var requests = Requests(9);
        using var noGrad = torch.no_grad();
        // An adapter of another kind than LoRA cannot be packed.
        using var adapted = TinyClassifier.New("bert");
        foreach (var layer in adapted.Linears.Take(1)) layer.Adapter = new PlainAdapter();
        Assert.Null(PackedModel.Of(adapted));
        using var padded = new InferenceEngine(adapted, new EngineOptions { MaxRows = 4 });
        var others = padded.Run(requests, inOrder: true).Cast<ClassificationResult>().ToList();
        for (var row = 0; row < requests.Count; row++)
        {
            using var scope = torch.NewDisposeScope();
            int[] types = [.. requests[row].TokenTypes];
            var expected = model.Forward(PackedRows.Ids([.. requests[row].Tokens]), tokenTypeIds: types.Length == 0 ? null : PackedRows.Ids(types)).ToArray<float>();
            PackedRows.AssertClose(expected, [.. Logits(requests[row]).Single()], 2e-5);
            PackedRows.AssertClose(expected, [.. others[row].Logits], 2e-5);
        }
    }

    [Fact]
    public void Refuses_what_it_cannot_compute()
    {
        using var engine = new InferenceEngine(model);
        Assert.Equal("Text 0 has no tokens. Let the tokenizer add its special tokens.", Refusal(new ClassificationRequest([])));
        Assert.Equal($"Text 0 has {model.MaxLength + 1} tokens, the model takes at most {model.MaxLength}. Shorten it.", Refusal(new ClassificationRequest(new int[model.MaxLength + 1])));
        Assert.Equal("Text 0 has 2 tokens and 1 token types. Give as many, or none.", Refusal(new ClassificationRequest([1, 2]) { TokenTypes = [0] }));
        Assert.Equal("Text 0 has a token of type 5, the model knows 2. Give types from 0 on, or none.", Refusal(new ClassificationRequest([1, 2]) { TokenTypes = [0, 5] }));
        Assert.StartsWith("Text 0 holds the token 100000", Refusal(new ClassificationRequest([100_000])), StringComparison.Ordinal);
        Assert.Equal("A classifier takes a ClassificationRequest, found a ScoringRequest.", Refusal(new ScoringRequest([1], new CandidateLabels([[1]]))));

        string Refusal(EngineRequest request) => Assert.Throws<ArgumentException>(() => engine.Run([request]).Count()).Message;
    }

    private static List<ClassificationRequest> Requests(int count)
    {
        var random = new SeededRandom(3);
        return
        [
            .. Enumerable.Range(0, count).Select(_ =>
            {
                int[] tokens = [.. Enumerable.Range(0, 1 + random.NextInt(28)).Select(_ => 5 + random.NextInt(20))];
                return new ClassificationRequest(tokens) { TokenTypes = random.NextInt(2) == 0 ? [] : [.. tokens.Select((_, i) => i < tokens.Length / 2 ? 0 : 1)] };
            }),
        ];
    }

    private List<IReadOnlyList<float>> Logits(ClassificationRequest request)
    {
        using var engine = new InferenceEngine(model);
        return [.. engine.Run([request]).Cast<ClassificationResult>().Select(result => result.Logits)];
    }

    private sealed class PlainAdapter : ILinearAdapter
    {
        public Tensor forward(Tensor x, Linear layer) => layer.Weight.Apply(x, layer.Bias);
    }
}
