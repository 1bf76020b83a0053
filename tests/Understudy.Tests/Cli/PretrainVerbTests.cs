using System.Text.Json;
using Understudy.Cli;
using Understudy.Data;

namespace Understudy.Tests.Cli;

/// <summary>Pre-training and its report at toy size, as they are typed.</summary>
[Collection(LiveTensors.Name)]
public sealed class PretrainVerbTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public PretrainVerbTests()
    {
        var random = new SeededRandom(5);
        string[] words = ["play", "some", "jazz", "stop", "the", "radio", "buy", "milk", "and", "bread", "please"];
        File.WriteAllLines(folder["text.txt"], Enumerable.Range(0, 400).Select(_ => string.Join(' ', Enumerable.Range(0, 6).Select(_ => words[random.NextInt(words.Length)]))).Distinct());
        File.WriteAllLines(folder["rows.jsonl"], ["{\"text\":\"one\",\"label\":\"a\"}", "{\"text\":\"two\",\"label\":\"b\"}"]);
        File.WriteAllText(folder["toy.yaml"], """
            name: toy
            data: {train: {path: rows.jsonl}}
            arms: [seeds_only]
            pretrain:
              unlabelled_pool: false
              corpus: [{path: text.txt}]
              held_out: 0.1
              tokenizer: {vocabulary_size: 300}
              architecture: {family: gpt_neox, num_hidden_layers: 1, hidden_size: 16, num_attention_heads: 2, max_position_embeddings: 32, dropout: 0}
              training: {max_steps: 6, batch_size: 4, max_length: 32, eval_every: 2, log_every: 1, group_by_length: false, keep_best: false}
              samples: {every: 3, prompts: [play], max_new_tokens: 4}
            """);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_pre_training_ends_with_a_report_beside_another()
    {
        var (exit, output, error) = Type("pretrain", folder["toy.yaml"], "--output", folder["first"], "--threads", "1");
        Assert.Equal(0, exit);
        Assert.Equal(folder["first/report.html"], output.TrimEnd().Split('\n')[^1]);
        Assert.Contains("baselines", error, StringComparison.Ordinal);
        var baselines = JsonDocument.Parse(File.ReadAllText(folder["first/stages/pretrain/baselines.json"])).RootElement;
        Assert.InRange(baselines.GetProperty("byte_model").GetDouble(), 0.3, 2);
        var speed = JsonDocument.Parse(File.ReadAllText(folder["first/stages/pretrain/speed.json"])).RootElement;
        // One block of width 16 (12 x 16^2 weights, 13 x 16 biases and norms), the last norm and the output layer over the vocabulary; 6 operations for each.
        var vocabulary = JsonDocument.Parse(File.ReadAllText(folder["first/models/pretrained/config.json"])).RootElement.GetProperty("vocab_size").GetInt32();
        Assert.Equal(6.0 * ((12 * 16 * 16) + (13 * 16) + (2 * 16) + (16 * vocabulary)), speed.GetProperty("operations_per_token").GetDouble());
        Assert.True(speed.GetProperty("gemm_rate").GetDouble() > 1e6);

        // What was measured stands.
        var again = Type("report", folder["first"]);
        Assert.Equal((0, folder["first/report.html"] + "\n", ""), again);
        File.Delete(folder["first/stages/pretrain/baselines.json"]);
        Assert.Contains("baselines", Type("report", folder["first"]).Error, StringComparison.Ordinal);
        Assert.Equal(baselines.GetRawText(), JsonDocument.Parse(File.ReadAllText(folder["first/stages/pretrain/baselines.json"])).RootElement.GetRawText());

        Assert.Equal(0, Type("pretrain", folder["toy.yaml"], "--output", folder["second"], "--threads", "1", "--set", "pretrain.training.optimizer=muon").Exit);
        Assert.Equal(0, Type("report", folder["second"], "--beside", folder["first"]).Exit);
        var page = File.ReadAllText(folder["second/report.html"]);
        Assert.Contains("Beside other pre-trainings", page, StringComparison.Ordinal);
        Assert.DoesNotContain("cannot be compared", page, StringComparison.Ordinal);
        Assert.True(File.Exists(folder["second/held-out-loss-by-time.svg"]));
    }

    private static (int Exit, string Output, string Error) Type(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var threads = Torch.torch.get_num_threads();
        try
        {
            return (CommandLine.Run(args, output, error), output.ToString(), error.ToString());
        }
        finally
        {
            Torch.torch.set_num_threads(threads);
        }
    }
}
