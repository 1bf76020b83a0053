using System.Text.Json.Nodes;
using Understudy.Parity;

namespace Understudy.Tests.Parity;

public sealed class TokenizerParityTests
{
    private static readonly string[] Lists = ["tokenizer.encode", "tokenizer.encode_plain", "tokenizer.pairs", "tokenizer.truncated_pairs", "tokenizer.decode"];

    [Theory]
    [InlineData("neox-style")]
    [InlineData("roberta-style")]
    [InlineData("wordpiece-cased")]
    [InlineData("wordpiece-uncased")]
    [InlineData("llama3-style")]
    [InlineData("llama2-style")]
    [InlineData("t5-style")]
    public void Every_case_equals_the_reference(string name) => AssertAllPass(Path.Combine("Fixtures", "tokenizers", name));

    [SharedFact("golden/tokenizers/gpt-neox", "models/tokenizers/gpt-neox")]
    public void Every_case_of_gpt_neox_equals_the_reference() => AssertAllPass(Path.Combine(SharedFactAttribute.Root, "golden", "tokenizers", "gpt-neox"));

    [SharedFact("golden/tokenizers/gpt-2", "models/tokenizers/gpt-2")]
    public void Every_case_of_gpt_2_equals_the_reference() => AssertAllPass(Path.Combine(SharedFactAttribute.Root, "golden", "tokenizers", "gpt-2"));

    [SharedFact("golden/tokenizers/bert-base-uncased", "models/tokenizers/bert-base-uncased")]
    public void Every_case_of_bert_base_uncased_equals_the_reference() =>
        AssertAllPass(Path.Combine(SharedFactAttribute.Root, "golden", "tokenizers", "bert-base-uncased"));

    [Theory]
    [InlineData("neox-style")]
    [InlineData("wordpiece-uncased")]
    [InlineData("llama3-style")]
    [InlineData("llama2-style")]
    [InlineData("t5-style")]
    public void What_is_saved_equals_the_reference_too(string name)
    {
        using var folder = new TemporaryFolder();
        var source = Path.Combine("Fixtures", "tokenizers", name);
        File.Copy(Path.Combine(source, "cases.json"), folder["cases.json"]);
        Understudy.Tokenization.Tokenizer.FromFolder(source).Save(folder["tokenizer.json"]);
        AssertAllPass(folder.FullName);
    }

    [Theory]
    [InlineData("encode", "ids")]
    [InlineData("encode", "tokens")]
    [InlineData("encode", "type_ids")]
    [InlineData("encode", "special_tokens_mask")]
    [InlineData("encode", "offsets_in_code_points")]
    [InlineData("encode_plain", "ids")]
    [InlineData("pairs", "offsets_in_code_points")]
    [InlineData("truncated_pairs", "ids")]
    [InlineData("decode", "text")]
    [InlineData("decode", "text_with_special")]
    public void One_changed_value_fails(string list, string key)
    {
        using var folder = new TemporaryFolder();
        File.Copy("Fixtures/tokenizers/wordpiece-cased/tokenizer.json", folder["tokenizer.json"]);
        var cases = JsonNode.Parse(File.ReadAllText("Fixtures/tokenizers/wordpiece-cased/cases.json"))!;
        cases[list]![5]![key] = key.StartsWith("text", StringComparison.Ordinal) ? "?" : new JsonArray();
        File.WriteAllText(folder["cases.json"], cases.ToJsonString());
        var failed = Assert.Single(TokenizerParity.Run(folder.FullName), check => check.Verdict != ParityVerdict.Passed);
        Assert.Equal(($"tokenizer.{list}", ParityVerdict.Failed, 1.0), (failed.Name, failed.Verdict, failed.Difference));
        Assert.Contains($"; first difference: case 5, '{key}' is ", failed.Note, StringComparison.Ordinal);
    }

    [Fact]
    public void Training_equals_the_reference()
    {
        var checks = TokenizerParity.Run(Path.Combine("Fixtures", "tokenizers"));
        Assert.Equal(["trainer_bpe.vocab", "trainer_bpe.merges"], checks.Select(check => check.Name));
        Assert.All(checks, check => Assert.True(check.Verdict == ParityVerdict.Passed, $"{check.Name}: {check.Note}"));
    }

    [Fact]
    public void Training_on_other_lines_fails()
    {
        using var folder = new TemporaryFolder();
        File.Copy("Fixtures/tokenizers/trainer_bpe.json", folder["trainer_bpe.json"]);
        File.WriteAllLines(folder["trainer_corpus.txt"], File.ReadLines("Fixtures/tokenizers/trainer_corpus.txt").Skip(100));
        var checks = TokenizerParity.Run(folder.FullName);
        Assert.All(checks, check => Assert.Equal(ParityVerdict.Failed, check.Verdict));
        Assert.Contains("first difference: merge ", checks[1].Note, StringComparison.Ordinal);
    }

    private static void AssertAllPass(string folder)
    {
        var checks = TokenizerParity.Run(folder);
        Assert.Equal(Lists, checks.Select(check => check.Name));
        Assert.All(checks, check => Assert.True(check.Verdict == ParityVerdict.Passed, $"{check.Name}: {check.Note}"));
    }
}
