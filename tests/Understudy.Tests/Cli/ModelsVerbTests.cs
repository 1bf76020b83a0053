using System.Text.Json;
using Understudy.Tests.Box;

namespace Understudy.Tests.Cli;

/// <summary>The program with a box that its environment names.</summary>
public sealed class ModelsVerbTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_models_are_listed_and_one_is_described()
    {
        TinyBox.Fill(folder["box"]);
        var (exit, output, error) = Type("models");
        Assert.Equal((0, ""), (exit, error));
        var lines = output.TrimEnd().Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries))).ToArray();
        Assert.Equal("model family use licence folder parameters size", lines[0]);
        Assert.StartsWith($"box://bart-mini bart generation student cc-by-sa-4.0 {folder["box/bart-mini"]} ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith($"box://neox-mini gpt_neox teacher cc-by-sa-4.0 {folder["box/neox-mini"]} ", lines[2], StringComparison.Ordinal);
        Assert.Matches(@"^box://roberta-mini roberta classification student \S+ \S+ [0-9,]+ [0-9.]+ KiB$", lines[3]);

        var one = Type("models neox-mini");
        Assert.Equal((0, ""), (one.Exit, one.Error));
        Assert.Contains($"family      GPTNeoXForCausalLM (gpt_neox)\nuse         teacher\n", one.Output, StringComparison.Ordinal);
        Assert.EndsWith($"folder      {folder["box/neox-mini"]}\n\nA tiny random model\nfor tests.\n", one.Output, StringComparison.Ordinal);
        Assert.Equal(one, Type("models box://neox-mini"));

        var json = JsonDocument.Parse(Type("models --json").Output).RootElement;
        Assert.Equal(["teacher"], json.GetProperty("models").EnumerateArray().Where(model => model.GetProperty("family").GetString() == "gpt_neox").Select(model => model.GetProperty("use").GetString()!));
        Assert.Equal("box://bart-mini", JsonDocument.Parse(Type("models bart-mini --json").Output).RootElement.GetProperty("name").GetString());
    }

    [Fact]
    public void A_damaged_model_is_told_and_is_an_error_where_it_is_asked_for()
    {
        TinyBox.Fill(folder["box"]);
        File.Delete(folder["box/neox-mini/model.safetensors"]);
        var fault = $"{folder["box/neox-mini"]}: expected model.safetensors or model.safetensors.index.json, found neither.\n";
        var (exit, output, error) = Type("models");
        Assert.Equal((0, ""), (exit, error));
        Assert.EndsWith($"box://neox-mini: {fault}", output, StringComparison.Ordinal);
        Assert.Equal((2, "", fault), Type("models neox-mini"));
        Assert.Equal((2, "", $"There is no model 'roberta-mimi' in the box. Did you mean 'roberta-mini'? Looked in {folder["box"]}, found bart-mini, neox-mini, roberta-mini. UNDERSTUDY_MODELS names another folder.\n"), Type("models roberta-mimi"));
        Assert.Equal((2, "", "Expected box://NAME (lower-case letters, digits, '-', '_' and '.'), found 'box://../box'.\n"), Type("models ../box"));
    }

    [Fact]
    public void A_box_that_is_not_there_is_no_error() =>
        Assert.Equal((0, $"There are no models in the box. Looked for {folder["box"]}, found no such folder. UNDERSTUDY_MODELS names another folder.\n", ""), Type("models"));

    [Fact]
    public void Verbs_take_a_model_of_the_box_by_its_name()
    {
        TinyBox.Fill(folder["box"]);
        File.WriteAllText(folder["text.txt"], string.Concat(Enumerable.Repeat("please play some music\n", 20)));
        var inspected = Type("inspect box://roberta-mini");
        Assert.Equal((0, ""), (inspected.Exit, inspected.Error));
        Assert.Contains("RobertaForMaskedLM (roberta)", inspected.Output, StringComparison.Ordinal);
        Assert.Contains("cls_token", inspected.Output, StringComparison.Ordinal);
        Assert.Equal(0, Type("perplexity box://neox-mini --text text.txt --quantization none --threads 1 --set context=32 --set stride=16").Exit);
        Assert.Equal(0, Type("quantize box://neox-mini --output nf4").Exit);
        Assert.Equal(0, Type("export box://bart-mini --output wide --dtype float32").Exit);
        Assert.Contains("F32", Type("inspect wide").Output, StringComparison.Ordinal);
        var missing = Type("predict box://x text.txt");
        Assert.Equal((2, ""), (missing.Exit, missing.Output));
        Assert.StartsWith("There is no model 'x' in the box. Looked in ", missing.Error, StringComparison.Ordinal);
        Assert.Equal((2, "", "Expected box://NAME (lower-case letters, digits, '-', '_' and '.'), found 'box://../box/neox-mini'.\n"), Type("inspect box://../box/neox-mini"));
    }

    private (int Exit, string Output, string Error) Type(string command)
    {
        using var program = ProgramProcess.Shell($"export UNDERSTUDY_MODELS='{folder["box"]}'; understudy {command}", folder.FullName);
        return program.End();
    }
}
