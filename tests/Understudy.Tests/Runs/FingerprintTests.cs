using Understudy.Runs;
using Understudy.Training;

namespace Understudy.Tests.Runs;

public sealed class FingerprintTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static Fingerprint Of(object options) => new Fingerprint().AddOptions("o", options);

    [Fact]
    public void Every_option_counts_but_those_that_cannot_change_a_result()
    {
        var options = new TrainingOptions();
        var same = Of(options).ToString();
        Assert.Equal(same, Of(options with { SaveEvery = 7, LogEvery = 3 }).ToString());
        Assert.NotEqual(same, Of(options with { Epochs = 4 }).ToString());
        Assert.NotEqual(same, Of(options with { Seed = 1 }).ToString());
        Assert.NotEqual(same, Of(options with { MaxGradNorm = null }).ToString());
        Assert.NotEqual(same, Of(options with { Schedule = ScheduleType.Cosine }).ToString());
        Assert.NotEqual(same, Of(options with { LearningRate = Math.BitIncrement(options.LearningRate) }).ToString());
        Assert.Equal(["o.epochs", "o.max_steps"], Of(options with { Epochs = 4, MaxSteps = 1 }).DifferencesFrom(Of(options).Parts));
    }

    [Fact]
    public void The_fingerprint_of_given_options_never_changes()
    {
        // A change here makes every user's finished stages run again.
        var text = Of(new SampleOptions { Name = "a", Labels = ["x", "y"], Descriptions = new Dictionary<string, string> { ["k"] = "v" }, Students = [new()] }).ToString();
        Assert.Equal("9d71e4f225fa2fb98fb35c7a0c25164d", text[..32]);
    }

    [Fact]
    public void Lists_and_texts_cannot_be_confused()
    {
        var sample = new SampleOptions { Name = "a" };
        string[] all =
        [
            Of(sample with { Labels = ["a", "b"] }).ToString(), Of(sample with { Labels = ["a\nb"] }).ToString(),
            Of(sample with { Labels = [] }).ToString(), Of(sample with { Labels = [""] }).ToString(),
            Of(sample with { Note = "null" }).ToString(), Of(sample).ToString() + "!",
            Of(sample with { Note = "" }).ToString(),
        ];
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.NotEqual(Of(sample with { Note = "null" }).ToString(), Of(sample).ToString());
    }

    [Fact]
    public void A_path_counts_by_what_is_there()
    {
        File.WriteAllText(folder["a"], "one");
        File.WriteAllText(folder["b"], "one");
        var a = Of(new SampleOptions { Name = "n", File = folder["a"] }).ToString();
        Assert.Equal(a, Of(new SampleOptions { Name = "n", File = folder["b"] }).ToString());
        File.WriteAllText(folder["b"], "other");
        Assert.NotEqual(a, Of(new SampleOptions { Name = "n", File = folder["b"] }).ToString());
        Assert.Equal($"There is no file or folder '{folder["c"]}'.",
            Assert.Throws<FileNotFoundException>(() => Of(new SampleOptions { Name = "n", File = folder["c"] })).Message);
    }

    [Fact]
    public void A_folder_counts_by_names_and_contents_of_its_files()
    {
        Directory.CreateDirectory(folder["m/inner"]);
        File.WriteAllText(folder["m/config.json"], "{}");
        File.WriteAllText(folder["m/inner/x"], "1");
        var before = ContentHash.Of(folder["m"]);
        File.WriteAllText(folder["m/.hidden"], "2");
        Assert.Equal(before, ContentHash.Of(folder["m"]));
        File.Move(folder["m/inner/x"], folder["m/inner/y"]);
        Assert.NotEqual(before, ContentHash.Of(folder["m"]));
        Assert.Equal("2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", ContentHash.OfText("foo"));
    }

    [Fact]
    public void A_key_stands_once() =>
        Assert.Throws<ArgumentException>(() => new Fingerprint().Add("a", "1").Add("a", "1"));
}
