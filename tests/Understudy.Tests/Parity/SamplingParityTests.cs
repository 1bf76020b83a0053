using Understudy.Parity;

namespace Understudy.Tests.Parity;

public sealed class SamplingParityTests
{
    [Fact]
    public void Every_case_equals_the_reference()
    {
        var checks = SamplingParity.Run("Fixtures/sampling");
        Assert.Equal(22, checks.Count);
        Assert.Equal("sampling[10].repetition_penalty_1.2_temperature_0.8_top_k_20_top_p_0.95", checks[10].Name);
        Assert.All(checks, check => Assert.True(check.Verdict == ParityVerdict.Passed && check.Note.StartsWith("40 probabilities"), check.ToString()));
    }

    [Theory]
    [InlineData("top_k_1", "[0,1,0]", ParityVerdict.Passed, "3 probabilities, the largest difference at token 0")]
    [InlineData("top_k_1", "[1,0,0]", ParityVerdict.Failed, "3 probabilities, the largest difference at token 0")]
    [InlineData("top_k_1", "[0,1]", ParityVerdict.Skipped, "The reference holds 3 logits and 2 probabilities.")]
    [InlineData("top_h_0.4", "[0,1,0]", ParityVerdict.Skipped, "There is no processor 'top_h_0.4' here.")]
    [InlineData("temperature_0.5_mirostat_2", "[0,1,0]", ParityVerdict.Skipped, "There is no processor 'mirostat_2' here.")]
    [InlineData("top_k", "[0,1,0]", ParityVerdict.Skipped, "There is no processor 'top_k' here.")]
    [InlineData("epsilon_9e-1_eta_cutoff_0.5", "[0,1,0]", ParityVerdict.Passed, "3 probabilities, the largest difference at token 0")]
    public void Reads_names_fails_on_a_difference_and_skips_what_it_does_not_know(string processors, string probabilities, ParityVerdict verdict, string note)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["sampling.json"], $$"""[{"processors":"{{processors}}","history":[0],"logits":[1,2,0.5],"probabilities":{{probabilities}}}]""");
        var check = Assert.Single(SamplingParity.Run(folder.FullName));
        Assert.Equal((verdict, note), (check.Verdict, check.Note));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""[{"processors":"top_p_7","history":[],"logits":[1],"probabilities":[1]}]""")]
    [InlineData("""[{"processors":"top_k_1","history":[9],"logits":[1],"probabilities":[1]}]""")]
    public void Names_the_file_that_is_no_reference(string json)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["sampling.json"], json);
        var error = Assert.Throws<InvalidDataException>(() => SamplingParity.Run(folder.FullName));
        Assert.StartsWith($"{folder["sampling.json"]}: not a reference of the expected format: ", error.Message);
    }
}
