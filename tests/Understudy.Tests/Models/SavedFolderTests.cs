using Understudy.Models;
using Understudy.Tokenization;

namespace Understudy.Tests.Models;

/// <summary>What a save leaves on the disk: at its end, and after a kill at any step.</summary>
public sealed class SavedFolderTests
{
    private static readonly string Fixtures = Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures");

    public static TheoryData<string> Folders { get; } = [.. ModelFixtures.Names];

    [Theory]
    [MemberData(nameof(Folders))]
    public void What_is_saved_and_loaded_has_equal_bytes_in_the_stored_type(string name)
    {
        using var folder = new TemporaryFolder();
        var source = Path.Combine(ModelFixtures.Root, name);
        using (var model = AutoModel.Load(source, new LoadOptions { DType = null }))
            PretrainedFolder.Save(model, folder.FullName, options: new SaveOptions { MaxShardSize = 20_000 });
        using var before = Checkpoint.Open(source);
        using var after = Checkpoint.Open(folder.FullName);
        Assert.Equal(after.Names.Count, after.Names.Distinct().Count());
        Assert.True(Directory.GetFiles(folder.FullName, "model-*-of-*.safetensors").Length > 1);
        foreach (var tensor in after.Names)
        {
            var spelling = Spellings(tensor).First(spelling => before.TryGet(spelling, out _));
            Assert.True(before.TryGet(spelling, out var stored) & after.TryGet(tensor, out var saved));
            Assert.Equal(stored!.Entry.DType, saved!.Entry.DType);
            Assert.Equal(stored.Entry.Shape, saved.Entry.Shape);
            Assert.True(stored.File.BytesOf(stored.Entry).SequenceEqual(saved.File.BytesOf(saved.Entry)), tensor);
        }

        // All but computed buffers, and a head that is the embedding.
        var lost = before.Names.Except(after.Names.SelectMany(Spellings)).ToList();
        Assert.All(lost, tensor => Assert.Matches(@"attention\.(masked_)?bias$|attn\.(masked_)?bias$|inv_freq$|position_ids$|token_type_ids$|^lm_head\.|^cls\.predictions\.decoder", tensor));
        using var again = AutoModel.Load(folder.FullName, new LoadOptions { DType = null });
        Assert.Equal(after.Names.Order(StringComparer.Ordinal), again.Parameters.Concat(again.Buffers).Select(parameter => parameter.Name).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_kill_at_any_step_leaves_the_old_folder_or_the_new_one(bool exchange)
    {
        using var place = new TemporaryFolder();
        var target = place["model"];
        var tokenizers = new[] { "neox-style", "roberta-style" }.Select(name => Tokenizer.FromFolder(Path.Combine(Fixtures, "tokenizers", name))).ToArray();
        using var old = New(1, hidden: 16);
        using var changed = New(2, hidden: 32);
        PretrainedFolder.Save(old, target, tokenizers[0], new SaveOptions { MaxShardSize = 6_000 });
        File.WriteAllText(Path.Combine(target, "README.md"), "mine");
        var shots = new List<(string Step, string Folder)>();
        FolderReplacement.ExchangeIsOff = !exchange;
        FolderReplacement.Watch = step => shots.Add((step, Copy(place.FullName, shots.Count)));
        try
        {
            // Fewer and larger shards, other sizes, another tokenizer: nothing of the one goes with anything of the other.
            PretrainedFolder.Save(changed, target, tokenizers[1], new SaveOptions { MaxShardSize = 20_000 });
        }
        finally
        {
            FolderReplacement.Watch = null;
            FolderReplacement.ExchangeIsOff = false;
        }

        shots.Add(("end", Copy(place.FullName, shots.Count)));
        try
        {
            var found = shots.Select(shot => (shot.Step, Hidden: Loaded(Path.Combine(shot.Folder, "model"), tokenizers))).ToList();
            Assert.True(found.Count >= 12, string.Join(", ", found));
            Assert.Equal(16, found[0].Hidden);
            Assert.Equal(32, found[^1].Hidden);
            Assert.Equal(1, found.Zip(found.Skip(1)).Count(pair => pair.First.Hidden != pair.Second.Hidden));
            // Between two renames there is no folder, and the old one is taken back.
            Assert.Equal(exchange ? 0 : 1, shots.Count(shot => shot.Step == "rename the new folder"));
            Assert.Equal(["model"], Directory.EnumerateFileSystemEntries(place.FullName).Select(path => Path.GetFileName(path)));
            Assert.Equal("mine", File.ReadAllText(Path.Combine(target, "README.md")));
            Assert.Equal(tokenizers[1].VocabularySize, Tokenizer.FromFolder(target).VocabularySize);
        }
        finally
        {
            shots.ForEach(shot => Directory.Delete(shot.Folder, recursive: true));
        }
    }

    [Fact]
    public void What_a_killed_process_left_behind_goes_with_the_next_save()
    {
        using var place = new TemporaryFolder();
        using var model = New(1, 16);
        PretrainedFolder.Save(model, place["model"]);
        Directory.CreateDirectory(place[".model.understudy-saving"]);
        File.WriteAllText(Path.Combine(place[".model.understudy-saving"], "model.safetensors"), "half");
        PretrainedFolder.Save(model, place["model"]);
        Assert.Equal(["model"], Directory.EnumerateFileSystemEntries(place.FullName).Select(path => Path.GetFileName(path)));
    }

    [Fact]
    public void A_save_that_fails_leaves_the_old_folder_and_nothing_else()
    {
        using var place = new TemporaryFolder();
        using var model = New(1, 16);
        PretrainedFolder.Save(model, place["model"]);
        FolderReplacement.Watch = step =>
        {
            if (step == "write config.json") throw new IOException("no space left");
        };
        try
        {
            Assert.Throws<IOException>(() => PretrainedFolder.Save(model, place["model"]));
        }
        finally
        {
            FolderReplacement.Watch = null;
        }

        Assert.Equal(["model"], Directory.EnumerateFileSystemEntries(place.FullName).Select(path => Path.GetFileName(path)));
        using var loaded = AutoModel.Load(place["model"]);
        Assert.Equal(model.Parameters.Count, loaded.Parameters.Count);
    }

    [Fact]
    public void A_link_to_a_folder_stays_a_link()
    {
        using var place = new TemporaryFolder();
        using var model = New(1, 16);
        Directory.CreateDirectory(place["real"]);
        Directory.CreateSymbolicLink(place["link"], place["real"]);
        PretrainedFolder.Save(model, place["link"]);
        Assert.Equal(place["real"], new DirectoryInfo(place["link"]).LinkTarget);
        Assert.True(File.Exists(Path.Combine(place["real"], "config.json")));
    }

    [Fact]
    public void What_Python_reads_beside_the_weights_is_kept()
    {
        using var place = new TemporaryFolder();
        var source = Path.Combine(Fixtures, "tokenizers", "neox-style");
        Directory.CreateDirectory(place["from"]);
        foreach (var file in Directory.EnumerateFiles(source, "tokenizer.json")) File.Copy(file, Path.Combine(place["from"], Path.GetFileName(file)));
        File.WriteAllText(Path.Combine(place["from"], "tokenizer_config.json"), """{"tokenizer_class": "GPTNeoXTokenizer", "eos_token": "<|endoftext|>"}""");
        File.WriteAllText(Path.Combine(place["from"], "chat_template.jinja"), "{{ messages }}");
        File.WriteAllText(Path.Combine(place["from"], "generation_config.json"), """{"temperature": 0.7}""");
        File.WriteAllText(Path.Combine(place["from"], "notes.txt"), "not the model's");
        using var model = New(1, 16);
        PretrainedFolder.Save(model, place["to"], Tokenizer.FromFolder(place["from"]), new SaveOptions { Source = place["from"] });
        string[] kept = ["chat_template.jinja", "generation_config.json", "tokenizer.json", "tokenizer_config.json"];
        Assert.Equal([.. kept.Take(1), "config.json", kept[1], "model.safetensors", .. kept.Skip(2)], Directory.EnumerateFiles(place["to"]).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        Assert.All(kept, file => Assert.Equal(File.ReadAllText(Path.Combine(place["from"], file)).TrimEnd(), File.ReadAllText(Path.Combine(place["to"], file)).TrimEnd()));
    }

    [Theory]
    [InlineData("5GB", 5_000_000_000)]
    [InlineData("500 MB", 500_000_000)]
    [InlineData("1.5GiB", 1_610_612_736)]
    [InlineData("2_000", 2000)]
    [InlineData("1kb", 1000)]
    [InlineData("0", 0)]
    [InlineData("-5GB", 0)]
    [InlineData("many", 0)]
    [InlineData("99999999999TB", 0)]
    public void Sizes_are_read_as_people_write_them(string text, long bytes) => Assert.Equal((bytes > 0, bytes), (ByteSize.TryParse(text, out var found), found));

    private static GptNeoxForCausalLM New(long seed, int hidden) => new(
        new GptNeoxConfig { VocabSize = 50, HiddenSize = hidden, NumHiddenLayers = 2, NumAttentionHeads = 2, IntermediateSize = 2 * hidden, MaxPositionEmbeddings = 32 },
        new RandomParameters(seed));

    /// <summary>The width of the model that a folder holds, when all of it goes together.</summary>
    private static int Loaded(string folder, Tokenizer[] tokenizers)
    {
        using var model = (GptNeoxForCausalLM)AutoModel.LoadCausalLanguageModel(folder);
        var width = model.Config.HiddenSize;
        using var expected = New(width == 16 ? 1 : 2, width);
        Assert.All(model.Parameters.Zip(expected.Parameters), pair => Assert.Equal(pair.Second.Value.ToArray<float>(), pair.First.Value.ToArray<float>()));
        Assert.Equal(tokenizers[width == 16 ? 0 : 1].VocabularySize, Tokenizer.FromFolder(folder).VocabularySize);
        Assert.Equal("mine", File.ReadAllText(Path.Combine(folder, "README.md")));
        return width;
    }

    private static string Copy(string place, int number)
    {
        var copy = Path.Combine(Path.GetTempPath(), $"{Path.GetFileName(place)}-{number}");
        foreach (var file in Directory.EnumerateFiles(place, "*", SearchOption.AllDirectories))
        {
            var to = Path.Combine(copy, Path.GetRelativePath(place, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        return copy;
    }

    private static IEnumerable<string> Spellings(string name)
    {
        string[] prefixes = ["", "transformer.", "bert.", "roberta.", "model.", "gpt_neox."];
        foreach (var prefix in prefixes)
        {
            foreach (var spelling in new[] { prefix + name, name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name })
            {
                yield return spelling;
                yield return spelling.Replace("LayerNorm.weight", "LayerNorm.gamma", StringComparison.Ordinal).Replace("LayerNorm.bias", "LayerNorm.beta", StringComparison.Ordinal);
            }
        }
    }
}
