using System.Text.Json;
using System.Text.Json.Nodes;
using Understudy.Box;
using Understudy.Models;
using Understudy.Tokenization;

namespace Understudy.Recipes;

/// <summary>Says which models come with Understudy, from their configurations, the heads of their weights and their cards.</summary>
public static class BoxedModels
{
    /// <summary>All of them; what is wrong with one stands in its <see cref="BoxedModel.Fault"/>.</summary>
    /// <param name="box">Where they are.</param>
    public static BoxListing List(ModelBox box)
    {
        ArgumentNullException.ThrowIfNull(box);
        return new BoxListing(box.Folder, box.Search, [.. box.Names.Select(name => Read(name, box.FolderOf(name.ToString())))]);
    }

    /// <summary>One of them.</summary>
    /// <param name="box">Where it is.</param>
    /// <param name="name"><c>box://NAME</c>, or the name alone.</param>
    /// <exception cref="InvalidDataException">It is no name, the box has no such model, or the model is damaged.</exception>
    public static BoxedModel Describe(ModelBox box, string name)
    {
        ArgumentNullException.ThrowIfNull(box);
        ArgumentNullException.ThrowIfNull(name);
        var full = BoxName.IsExplicit(name) ? name : BoxName.Prefix + name;
        var folder = box.FolderOf(full);
        var model = Read(BoxName.TryParse(full, out var parsed) ? parsed : throw new System.Diagnostics.UnreachableException(), folder);
        return model.Fault is null ? model : throw new InvalidDataException(model.Fault);
    }

    private static BoxedModel Read(BoxName name, string folder)
    {
        var model = new BoxedModel(name.ToString(), folder, null, null, null, null, null, [], 0, "", null);
        var faults = new List<string>();
        void Try(Action read)
        {
            try
            {
                read();
            }
            catch (Exception e) when (e is InvalidDataException or IOException or JsonException or UnauthorizedAccessException)
            {
                faults.Add(e.Message);
            }
        }

        Try(() => model = model with { Bytes = new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length) });
        Try(() =>
        {
            using var outline = AutoModel.Outline(folder);
            model = model with
            {
                Family = ConfigJson.Read(folder).String("model_type"),
                Architecture = (outline.ToConfigJson()["architectures"] as JsonArray)?.FirstOrDefault()?.GetValue<string>(),
                Parameters = outline.Parameters.Sum(parameter => parameter.Value.numel()),
            };
        });
        // A model without a configuration is none; what else it lacks says nothing more.
        if (faults.Count == 0)
        {
            Try(() =>
            {
                using var weights = Checkpoint.Open(folder);
                model = model with { Types = [.. weights.Names.Select(tensor => weights.TryGet(tensor, out var found) ? found.Entry.DType.Name() : "").Distinct().Order(StringComparer.Ordinal)] };
            });
            Try(() => _ = Tokenizer.FromFolder(folder));
        }

        Try(() =>
        {
            var card = ModelCard.Read(folder);
            model = model with { License = card.License, Use = card.Use, Summary = card.Summary };
        });
        return model with { Fault = faults.Count == 0 ? null : string.Join(' ', faults) };
    }
}
