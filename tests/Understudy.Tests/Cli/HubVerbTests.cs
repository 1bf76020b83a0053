using System.Text.Json;
using Understudy.Tests.Hub;
using Understudy.Tests.Recipes;

namespace Understudy.Tests.Cli;

/// <summary>The program with a Hub that its environment names.</summary>
public sealed class HubVerbTests : IDisposable
{
    private const string Token = "hf_verysecrettoken";

    private readonly TemporaryFolder folder = new();
    private readonly HubServer server = new();

    public HubVerbTests()
    {
        ModelFoldersTests.ServeClassifier(server);
        File.WriteAllLines(folder["rows.csv"], ["text,label", "wake me,alarm", "play jazz,music", "an alarm,alarm", "a song,music"]);
        File.WriteAllText(folder["toy.yaml"], """
            name: toy
            data: {train: {path: rows.csv}, test: {path: rows.csv}}
            students: [{name: small, model: owner/tiny-model, training: {max_steps: 1}}]
            arms: [seeds_only]
            """);
    }

    public void Dispose()
    {
        server.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void A_run_notes_which_commit_it_began_with_and_no_token()
    {
        var (exit, _, error) = Type("train toy.yaml --threads 1");
        Assert.True(exit == 0, error);
        Assert.Contains("download owner/tiny-model: 1 MB in 0:00\n", error, StringComparison.Ordinal);
        var manifest = JsonDocument.Parse(File.ReadAllText(folder["runs/toy/manifest.json"])).RootElement;
        Assert.Equal(
            $$$"""{"students[0].model":{"name":"owner/tiny-model","revision":"main","commit":"{{{HubServer.Commit}}}"}}""",
            JsonSerializer.Serialize(manifest.GetProperty("models")));
        Assert.Equal(["data.test.path", "data.train.path"], manifest.GetProperty("inputs").EnumerateObject().Select(input => input.Name));
        Assert.Contains("model: \"hf://owner/tiny-model\"\n", File.ReadAllText(folder["runs/toy/run.yaml"]), StringComparison.Ordinal);
        Assert.Contains($"owner/tiny-model, revision main, commit {HubServer.Commit}", File.ReadAllText(folder["runs/toy/report.html"]), StringComparison.Ordinal);
        Assert.All(server.Requests, request => Assert.Equal($"Bearer {Token}", request["Authorization"]));
        Assert.DoesNotContain(Token, error, StringComparison.Ordinal);
        Assert.All(Directory.EnumerateFiles(folder.FullName, "*", SearchOption.AllDirectories), file => Assert.DoesNotContain(Token, File.ReadAllText(file), StringComparison.Ordinal));

        var predicted = Type("predict owner/tiny-model rows.csv --threads 1", offline: true);
        Assert.Equal((0, ""), (predicted.Exit, predicted.Error));
        Assert.Equal(4, predicted.Output.TrimEnd().Split('\n').Length);
    }

    [Fact]
    public void A_name_that_nobody_knows_is_told_before_the_run_begins()
    {
        server.Instead = _ => new HubAnswer(404, []);
        var refused = "127.0.0.1 has no repository 'owner/tiny-model' with a revision 'main' (404). Check the name. Did you mean a local folder?";
        var (exit, output, error) = Type("train toy.yaml --threads 1");
        Assert.Equal((2, ""), (exit, output));
        Assert.EndsWith($"\ntoy.yaml(3,33): students[0].model: there is no folder '{folder["owner/tiny-model"]}'. As a name on the Hub, hf://owner/tiny-model: {refused}\n", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["runs"]));
        Assert.Equal((2, $"There is no folder '{folder["owner/tiny-model"]}'. As a name on the Hub, hf://owner/tiny-model: {refused}\n"), (Type("predict owner/tiny-model rows.csv").Exit, Type("predict owner/tiny-model rows.csv").Error));
    }

    private (int Exit, string Output, string Error) Type(string command, bool offline = false)
    {
        using var program = ProgramProcess.Shell($"HF_ENDPOINT={server.Address} HF_HOME='{folder["hf"]}' HF_TOKEN={Token} HF_HUB_OFFLINE={(offline ? 1 : 0)} understudy {command}", folder.FullName);
        return program.End();
    }
}
